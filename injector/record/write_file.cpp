// SPDX-License-Identifier: Apache-2.0
#include "injector/record/write_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace blackstart {

bool write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    data.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

Result<> write_file(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  const auto failed = [&] {
    const int code = errno;
    ::unlink(fresh.c_str());
    return fail(ErrorKind::kInvalid, "write", path, code);
  };
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return fail(ErrorKind::kInvalid, "write", path, errno);
  const bool written = write_all(fd, text) && ::fsync(fd) == 0;
  const int code = errno;
  if (::close(fd) != 0 || !written) {
    errno = written ? errno : code;
    return failed();
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failed();
  // The new name, too, is to outlive a power cut.
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const int directory = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
  return {};
}

}  // namespace blackstart
