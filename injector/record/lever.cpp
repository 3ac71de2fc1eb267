// SPDX-License-Identifier: Apache-2.0
#include "injector/record/lever.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "injector/record/write_file.h"

namespace blackstart {
namespace {

using nlohmann::json;

constexpr size_t kLongest = 4096;  // of the file; more than a reason needs

LeverState read_state(const std::string& file) {
  LeverState state;
  struct stat about {};
  if (::stat(file.c_str(), &about) == 0)
    state.since = about.st_mtim.tv_sec * UnixNs{1'000'000'000} + about.st_mtim.tv_nsec;
  if (!S_ISREG(about.st_mode)) return state;  // a pipe would make the reader wait
  std::ifstream in(file);
  std::string text(kLongest, '\0');
  in.read(text.data(), kLongest);
  text.resize(static_cast<size_t>(std::max<std::streamsize>(0, in.gcount())));
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object()) {  // made by hand
    state.why = text.substr(0, text.find('\n'));
    return state;
  }
  const auto word = [&](const char* key) {
    const json value = parsed.value(key, json());
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  const json since = parsed.value("engaged_unix_ns", json());
  if (since.is_number_integer()) state.since = since.get<UnixNs>();
  state.by = word("by");
  state.why = word("why");
  return state;
}

}  // namespace

std::string LeverState::text() const {
  return "the lever is engaged" + (since ? " since " + rfc3339(since) : "") +
         (by.empty() ? "" : " by " + by) + (why.empty() ? "" : ": " + why);
}

Result<> Lever::engage(const LeverState& state) {
  if (engaged()) return {};
  std::error_code code;
  std::filesystem::create_directories(std::filesystem::path(file_).parent_path(), code);
  const json text{{"engaged_unix_ns", state.since}, {"by", state.by}, {"why", state.why}};
  auto written = write_file(file_, text.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
  // On a full disk the file without its words is still the lever.
  if (!written && written.error().code == ENOSPC && std::ofstream(file_, std::ios::app)) return {};
  if (!written && (written.error().code == EACCES || written.error().code == EPERM)) {
    written.error().kind = ErrorKind::kMissing;
    written.error().hint = "whoever may write there can engage it: run as root";
  }
  return written;
}

Result<bool> Lever::release() {
  if (::unlink(file_.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  return fail(ErrorKind::kMissing, "release the lever", file_, errno, "run as root");
}

std::optional<LeverState> Lever::engaged() const {
  struct stat about {};
  if (::lstat(file_.c_str(), &about) != 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  return read_state(file_);
}

std::optional<LeverState> engaged_lever(const std::string& folder) {
  if (auto state = Lever(folder).engaged()) return state;
  return Lever().engaged();
}

}  // namespace blackstart
