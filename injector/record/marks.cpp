// SPDX-License-Identifier: Apache-2.0
#include "injector/record/marks.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "agents/language/nearest.h"
#include "injector/record/write_file.h"

namespace blackstart {
namespace {

using nlohmann::json;

// The file, held by nobody else; fd -1: it is not there.
class Held {
 public:
  explicit Held(const std::string& file) : fd_(::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)) {
    if (fd_ < 0) return;
    while (flock(fd_, LOCK_EX) != 0 && errno == EINTR) continue;
  }
  ~Held() {
    if (fd_ >= 0) ::close(fd_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  // It may have been taken away while we waited for it.
  [[nodiscard]] bool there() const {
    struct stat file {};
    return fd_ >= 0 && fstat(fd_, &file) == 0 && file.st_nlink > 0;
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Result<> check_milestone(const std::string& mark) {
  const std::vector<std::string> known(std::begin(kMilestones), std::end(kMilestones));
  if (std::find(known.begin(), known.end(), mark) != known.end()) return {};
  std::string hint;
  if (const auto close = nearest(mark, known)) hint = "did you mean " + *close + "? ";
  std::string names;
  for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
  return fail(ErrorKind::kInvalid, "mark", mark, 0,
              hint + "milestones are " + names + "; --custom takes any other name");
}

Result<> say_mark(const std::string& file, const OutcomeMark& mark) {
  const Held held(file);
  if (!held.there())
    return fail(ErrorKind::kRefused, "mark " + mark.mark, "", 0, "the run is over: its record is closed");
  const std::string line =
      json{{"mark", mark.mark}, {"at", mark.at}, {"source", mark.source}, {"note", mark.note}}.dump(
          -1, ' ', false, json::error_handler_t::replace) +
      "\n";
  if (::write(held.fd(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    return fail(ErrorKind::kInternal, "write", file, errno);
  return {};
}

Result<MarksTaken> MarksTaken::open(const std::string& file) {
  if (auto ok = write_file(file, ""); !ok) return tl::unexpected(ok.error());
  return MarksTaken(file);
}

std::vector<OutcomeMark> MarksTaken::take() {
  std::ifstream file(file_);
  file.seekg(read_);
  std::vector<OutcomeMark> marks;
  for (std::string line; std::getline(file, line) && !file.eof();) {
    read_ += static_cast<int64_t>(line.size()) + 1;
    const json said = json::parse(line, nullptr, false);
    if (!said.is_object() || !said.contains("mark") || !said["mark"].is_string()) continue;
    const auto text = [&](const char* key) {
      return said.contains(key) && said[key].is_string() ? said[key].get<std::string>() : "";
    };
    const bool dated = said.contains("at") && said["at"].is_number_integer();
    marks.push_back(
        {text("mark"), dated ? said["at"].get<UnixNs>() : unix_now(), text("source"), text("note")});
  }
  return marks;
}

std::vector<OutcomeMark> MarksTaken::close() {
  const Held held(file_);
  auto last = take();
  unlink(file_.c_str());
  return last;
}

}  // namespace blackstart
