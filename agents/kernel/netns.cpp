// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/netns.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "agents/kernel/kernel_error.h"

namespace blackstart {

std::string netns_path(const std::string& name_or_path) {
  return std::filesystem::path("/run/netns") / name_or_path;
}

Result<> enter_netns(const std::string& name) {
  const Fd target(::open(netns_path(name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!target.valid()) return fail_errno(errno, "open network namespace", name);
  if (::setns(target.get(), CLONE_NEWNET) != 0)
    return kernel_refused(errno, "enter network namespace", name,
                          errno == EPERM ? "this needs CAP_SYS_ADMIN" : "");
  return {};
}

Result<bool> in_network_of_init() {
  // Every network has files of its own under /proc; /proc/1/ns/net takes the right to trace process 1.
  constexpr const char* kInit = "/proc/1/net/dev";
  constexpr const char* kOwn = "/proc/thread-self/net/dev";
  struct stat init {
  }, own{};
  for (const auto& [path, about] : {std::pair{kInit, &init}, {kOwn, &own}})
    if (::stat(path, about) != 0) return fail_errno(errno, "look at", path);
  return init.st_ino == own.st_ino;
}

Result<NetnsScope> NetnsScope::enter(const std::string& name) {
  Fd home(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!home.valid()) return fail_errno(errno, "open", "/proc/thread-self/ns/net");
  if (auto ok = enter_netns(name); !ok) return tl::unexpected(ok.error());
  return NetnsScope(std::move(home));
}

NetnsScope::~NetnsScope() {
  if (home_.valid() && ::setns(home_.get(), CLONE_NEWNET) != 0) std::abort();
}

}  // namespace blackstart
