// SPDX-License-Identifier: Apache-2.0
#include "agents/language/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "agents/language/document.h"

namespace blackstart {
namespace {

class Opened {
 public:
  explicit Opened(int fd) : fd_(fd) {}
  Opened(Opened&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Opened& operator=(Opened&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Opened() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Result<std::string> read_all(const Opened& file, const std::string& path) {
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) return fail(ErrorKind::kInvalid, "stat", path, errno);
  if (S_ISDIR(about.st_mode)) return fail(ErrorKind::kInvalid, "read", path, EISDIR);
  if (!S_ISREG(about.st_mode) && !S_ISFIFO(about.st_mode))
    return fail(ErrorKind::kInvalid, "read", path, 0, "it is no regular file");
  // One byte more than allowed: enough for read_yaml to refuse it.
  const size_t most = DocumentLimits{}.bytes + 1;
  std::string text;
  char buffer[65536];
  while (text.size() < most) {
    const ssize_t count = ::read(file.get(), buffer, std::min(sizeof buffer, most - text.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(ErrorKind::kInvalid, "read", path, errno);
    if (count == 0) break;
    text.append(buffer, static_cast<size_t>(count));
  }
  return text;
}

Result<> trust(const Opened& opened, const std::string& path) {
  struct stat about {};
  if (::fstat(opened.get(), &about) != 0) return fail(ErrorKind::kInvalid, "stat", path, errno);
  if (about.st_uid != 0 && about.st_uid != ::geteuid())
    return fail(ErrorKind::kRefused, "trust", path, 0,
                "it belongs to user " + std::to_string(about.st_uid) +
                    ", who could change what this agent accepts: chown root:root " + path);
  const bool shared_folder = S_ISDIR(about.st_mode) && (about.st_mode & S_ISVTX) != 0;
  if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !shared_folder)
    return fail(ErrorKind::kRefused, "trust", path, 0,
                "others can write to it, and could change what this agent accepts: chmod go-w " + path);
  return {};
}

Result<Opened> open_in(const Opened& folder, const std::string& name, const std::string& path, bool last) {
  // A pipe nobody writes to would hold an open without O_NONBLOCK for ever.
  const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (last ? O_NONBLOCK : O_DIRECTORY);
  Opened next(::openat(folder.get(), name.c_str(), flags));
  if (next.get() >= 0) return next;
  const int error = errno;
  struct stat about {};
  if (::fstatat(folder.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(about.st_mode))
    return fail(ErrorKind::kRefused, "trust", path, 0,
                "it is a symbolic link; name the file itself: realpath " + path);
  return fail(ErrorKind::kInvalid, "open", path, error);
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  const Opened file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail(ErrorKind::kInvalid, "open", path, errno);
  return read_all(file, path);
}

Result<std::string> read_trusted_file(const std::string& path) {
  const std::filesystem::path whole = std::filesystem::absolute(path);
  Opened here(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (here.get() < 0) return fail(ErrorKind::kInvalid, "open", "/", errno);
  std::filesystem::path walked = "/";
  const std::filesystem::path relative = whole.relative_path();
  for (auto part = relative.begin(); part != relative.end(); ++part) {
    walked /= *part;
    auto next = open_in(here, part->string(), walked, std::next(part) == relative.end());
    if (!next) return tl::unexpected(next.error());
    if (auto ok = trust(*next, walked); !ok) return tl::unexpected(ok.error());
    here = std::move(*next);
  }
  return read_all(here, path);
}

}  // namespace blackstart
