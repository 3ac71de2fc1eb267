// SPDX-License-Identifier: Apache-2.0
#include "agents/daemon/walls.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

namespace blackstart {
namespace {

constexpr auto kKept = std::to_array<KeptCapability>({
    {CAP_NET_ADMIN, "cap_net_admin", "attaches programs (TCX, clsact) and owns netfilter tables"},
    {CAP_BPF, "cap_bpf", "loads programs and makes maps"},
    {CAP_PERFMON, "cap_perfmon", "lets a program compare packet pointers and read kernel memory"},
    {CAP_NET_RAW, "cap_net_raw", "sends the packets of the self-test"},
    {CAP_SETUID, "cap_setuid", "commands run as nobody", true},
    {CAP_SETGID, "cap_setgid", "commands run as nobody", true},
    {CAP_KILL, "cap_kill", "processes of other users are killed, stopped and let go on; commands end in time",
     true, true},
    {CAP_SYS_PTRACE, "cap_sys_ptrace",
     "the kernel asks for it before it says which program a process runs (/proc/PID/exe, cwd)", false, true},
});

constexpr unsigned long kNamespaceFlags =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
// Where clone takes its flags.
#ifdef __s390x__
constexpr unsigned kCloneFlags = 1;
#else
constexpr unsigned kCloneFlags = 0;
#endif
// What unshare(0), which asks for nothing and is granted everywhere else, is answered by our filter.
constexpr int kOurAnswer = ENOTUNIQ;
// Above every number that libseccomp can have a name for.
constexpr int kNumbers = 1024;
// Calls with rules of their own.
constexpr auto kApart = std::to_array<std::string_view>({"clone", "clone3", "unshare"});

tl::unexpected<Error> wall_fails(int code, const std::string& operation, const std::string& object = {}) {
  return fail_errno(code, operation, object, "an agent without its walls does not start");
}

bool may_keep(int capability, const Walls& walls) {
  return std::any_of(kKept.begin(), kKept.end(), [&](const KeptCapability& kept) {
    return kept.value == capability && kept.with(walls);
  });
}

bool one_thread() {
  std::error_code ignored;
  const std::filesystem::directory_iterator tasks("/proc/self/task", ignored);
  return std::distance(begin(tasks), end(tasks)) == 1;
}

Result<> drop_bounding(const Walls& walls) {
  for (int each = 0; each <= cap_max_bits() - 1; ++each) {
    if (may_keep(each, walls) || cap_get_bound(each) != 1) continue;
    // A service manager that raised walls has left no right to narrow this set, nor need there be.
    if (cap_drop_bound(each) != 0 && !may_keep(each, {true, true}))
      return wall_fails(errno, "drop from the bounding set", "capability " + std::to_string(each));
  }
  return {};
}

// Leaves of the permitted ones those to be kept, and makes them effective.
Result<> drop_capabilities(const Walls& walls) {
  using Set = std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)>;
  const Set now(cap_get_proc(), cap_free), kept(cap_init(), cap_free);
  if (!now || !kept) return wall_fails(errno, "read the capabilities");
  for (const KeptCapability& each : kKept) {
    const cap_value_t value = each.value;
    cap_flag_value_t permitted = CAP_CLEAR;
    if (!may_keep(value, walls)) continue;
    if (cap_get_flag(now.get(), value, CAP_PERMITTED, &permitted) != 0 || permitted != CAP_SET) continue;
    if (cap_set_flag(kept.get(), CAP_PERMITTED, 1, &value, CAP_SET) != 0 ||
        cap_set_flag(kept.get(), CAP_EFFECTIVE, 1, &value, CAP_SET) != 0)
      return wall_fails(errno, "keep", each.name);
  }
  if (cap_reset_ambient() != 0) return wall_fails(errno, "clear the ambient capabilities");
  if (cap_set_proc(kept.get()) != 0) return wall_fails(errno, "drop capabilities");
  return {};
}

// Every call this architecture has, and libseccomp a name for, that is not allowed.
int refuse_the_rest(scmp_filter_ctx filter) {
  const auto allowed = allowed_system_calls();
  for (int number = 0; number < kNumbers; ++number) {
    const std::unique_ptr<char, void (*)(void*)> name(
        seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number), std::free);
    if (!name || std::find(allowed.begin(), allowed.end(), name.get()) != allowed.end() ||
        std::find(kApart.begin(), kApart.end(), name.get()) != kApart.end())
      continue;
    if (const int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0)) return error;
  }
  if (const int error =
          seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1, SCMP_A0(SCMP_CMP_NE, 0)))
    return error;
  return seccomp_rule_add(filter, SCMP_ACT_ERRNO(kOurAnswer), SCMP_SYS(unshare), 1, SCMP_A0(SCMP_CMP_EQ, 0));
}

int allow_calls(scmp_filter_ctx filter) {
  for (const std::string_view name : allowed_system_calls()) {
    const int number = seccomp_syscall_resolve_name(std::string(name).c_str());
    if (number < 0) continue;  // not on this architecture
    if (const int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0)) return error;
  }
  return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                          SCMP_CMP(kCloneFlags, SCMP_CMP_MASKED_EQ, kNamespaceFlags, 0));
}

Result<> filter_calls() {
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)),
                                                                seccomp_release);
  if (!filter) return wall_fails(ENOMEM, "make the system call filter");
  int error = seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (!error) error = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (!error) error = allow_calls(filter.get());
  if (!error) error = refuse_the_rest(filter.get());
  if (!error) error = seccomp_load(filter.get());
  if (error) return wall_fails(-error, "load the system call filter");
  return {};
}

}  // namespace

std::span<const KeptCapability> kept_capabilities() {
  return kKept;
}

bool walls_stand() {
  return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && unshare(0) != 0 && errno == kOurAnswer;
}

Result<> raise_walls(const Walls& walls) {
  if (!one_thread()) return wall_fails(0, "raise the walls", "of a process with several threads");
  const bool stand = walls_stand();
  if (!stand)
    if (auto ok = drop_bounding(walls); !ok) return ok;
  if (auto ok = drop_capabilities(walls); !ok) return ok;
  if (stand) return {};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return wall_fails(errno, "give up new privileges");
  return filter_calls();
}

}  // namespace blackstart
