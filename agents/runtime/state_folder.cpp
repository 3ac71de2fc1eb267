// SPDX-License-Identifier: Apache-2.0
#include "agents/runtime/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <thread>

namespace blackstart {

Result<StateFolder> StateFolder::claim(const std::string& path, std::chrono::milliseconds patience) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno(errno, "make the state folder", path, errno == ENOENT ? "its parent must exist" : "");
  Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.valid())
    return fail_errno(errno, "open the state folder", path,
                      errno == ENOTDIR || errno == ELOOP ? "it must be a folder, not a link to one" : "");
  struct stat found {};
  ::fstat(folder.get(), &found);
  if (found.st_uid != ::geteuid())
    return fail(ErrorKind::kRefused, "use the state folder", path, 0,
                "it belongs to user " + std::to_string(found.st_uid));
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(ErrorKind::kRefused, "use the state folder", path, 0,
                "others may write to it: chmod go-w " + path);

  Fd lock(::openat(folder.get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock.valid()) return fail_errno(errno, "open", path + "/lock");
  const auto until = std::chrono::steady_clock::now() + patience;
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail_errno(errno, "lock", path + "/lock");
    if (std::chrono::steady_clock::now() >= until)
      return fail(ErrorKind::kRefused, "claim the state folder", path, EWOULDBLOCK,
                  "an agent is alive on it: end that one first");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return StateFolder(path, std::move(folder), std::move(lock));
}

bool StateFolder::claimed(const std::string& path) {
  const Fd lock(::open((path + "/lock").c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  return lock.valid() && ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace blackstart
