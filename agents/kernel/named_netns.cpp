// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/named_netns.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "agents/kernel/kernel_error.h"
#include "agents/kernel/netns.h"
#include "agents/kernel/process_state.h"

namespace blackstart {
namespace {

constexpr const char* kFolder = "/run/netns";
constexpr const char* kOwn = "/proc/thread-self/ns/net";

std::string path_of(const std::string& name) {
  return std::string(kFolder) + "/" + name;
}

// 0: no network namespace. A plain file that once was the name of one has an inode of another device.
uint64_t inode_of(const std::string& path) {
  struct stat own {
  }, found{};
  if (::stat(kOwn, &own) != 0 || ::stat(path.c_str(), &found) != 0 || found.st_dev != own.st_dev) return 0;
  return found.st_ino;
}

// Names must be seen, and go away, in every mount namespace: the folder is a shared mount of its own,
// as iproute2 makes it.
Result<> share_folder() {
  if (::mkdir(kFolder, 0755) != 0 && errno != EEXIST) return fail_errno(errno, "create", kFolder);
  if (::mount("", kFolder, "none", MS_SHARED | MS_REC, nullptr) == 0) return {};
  if (errno != EINVAL) return fail_errno(errno, "share the mount", kFolder);
  if (::mount(kFolder, kFolder, "none", MS_BIND | MS_REC, nullptr) != 0)
    return fail_errno(errno, "mount", kFolder);
  if (::mount("", kFolder, "none", MS_SHARED | MS_REC, nullptr) != 0)
    return fail_errno(errno, "share the mount", kFolder);
  return {};
}

}  // namespace

bool netns_exists(const std::string& name) {
  return ::access(path_of(name).c_str(), F_OK) == 0;
}

Result<> create_netns(const std::string& name) {
  if (auto shared = share_folder(); !shared) return shared;
  const std::string path = path_of(name);
  const Fd file(::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
  if (!file.valid()) return fail_errno(errno, "create network namespace", name);
  // On a thread of its own: a thread that has left its namespace cannot be sure to come back.
  int code = 0;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) != 0 ||
        ::mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr) != 0)
      code = errno;
  }).join();
  if (code == 0) return {};
  ::unlink(path.c_str());
  return kernel_refused(code, "create network namespace", name);
}

Result<> remove_netns(const std::string& name) {
  const std::string path = path_of(name);
  ::umount2(path.c_str(), MNT_DETACH);  // EINVAL: a name that was never mounted
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail_errno(errno, "remove network namespace", name);
  return {};
}

Result<Fd> open_netns(const std::string& name) {
  Fd fd(::open(netns_path(name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno(errno, "open network namespace", name);
  return fd;
}

std::vector<std::string> named_netns() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder, ignored))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::string own_netns_name() {
  const uint64_t own = inode_of(kOwn);
  for (const std::string& name : named_netns())
    if (own != 0 && inode_of(path_of(name)) == own) return name;
  return "";
}

std::optional<LivingNetns> living_netns(uint64_t inode) {
  if (inode == 0) return std::nullopt;
  for (const std::string& name : named_netns())
    if (inode_of(path_of(name)) == inode) return LivingNetns{name, "ip netns exec " + name + " "};
  if (inode == inode_of(kOwn)) return LivingNetns{};
  for (const pid_t pid : all_processes()) {
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
    if (inode_of(path) == inode) return LivingNetns{"", "nsenter --net=" + path + " "};
  }
  return std::nullopt;
}

}  // namespace blackstart
