// SPDX-License-Identifier: Apache-2.0
#include "agents/runtime/stop_files.h"

#include <sys/stat.h>

#include <cerrno>

namespace blackstart {
namespace {

bool present(const std::string& path) {
  struct stat unused {};
  return ::lstat(path.c_str(), &unused) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

}  // namespace

std::optional<Stop> stop_asked(const StopFiles& files) {
  if (present(files.abort)) return Stop{"abort file", files.abort + " is there: rm " + files.abort};
  if (present(files.lever)) return Stop{"lever", files.lever + " is there: blackstart lever release"};
  return std::nullopt;
}

}  // namespace blackstart
