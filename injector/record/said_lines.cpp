// SPDX-License-Identifier: Apache-2.0
#include "injector/record/said_lines.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

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

std::string line_of(const json& line) {
  return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

Result<bool> say_line(const std::string& file, const json& line) {
  const Held held(file);
  if (!held.there()) return false;
  const std::string text = line_of(line);
  if (::write(held.fd(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail(ErrorKind::kInternal, "write", file, errno);
  return true;
}

Result<SaidLines> SaidLines::open(const std::string& file, const json& head) {
  const std::string first = head.is_null() ? "" : line_of(head);
  if (auto ok = write_file(file, first); !ok) return tl::unexpected(ok.error());
  return SaidLines(file, static_cast<int64_t>(first.size()));
}

std::vector<json> SaidLines::take() {
  std::ifstream file(file_);
  file.seekg(read_);
  std::vector<json> lines;
  for (std::string line; std::getline(file, line) && !file.eof();) {
    read_ += static_cast<int64_t>(line.size()) + 1;
    if (json said = json::parse(line, nullptr, false); said.is_object()) lines.push_back(std::move(said));
  }
  return lines;
}

std::vector<json> SaidLines::close() {
  const Held held(file_);
  auto last = take();
  unlink(file_.c_str());
  return last;
}

std::string text_in(const json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : "";
}

int64_t number_in(const json& line, const char* key, int64_t otherwise) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number_integer() ? found->get<int64_t>() : otherwise;
}

}  // namespace blackstart
