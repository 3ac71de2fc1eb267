// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/hold_down.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "agents/faults/process/exec_rules.h"
#include "agents/kernel/bpf_map.h"
#include "agents/kernel/bpf_program.h"
#include "blackstart_exec.skel.h"

namespace blackstart {
namespace {

constexpr const char* kHint = "CAP_BPF, CAP_PERFMON and a kernel with BTF and tp_btf (CONFIG_DEBUG_INFO_BTF)";

// How an exec of this very program ends.
enum class TestEnd { kRan, kKilled, kDenied };

Result<TestEnd> execute_ourselves() {
  const std::string path = "/proc/" + std::to_string(::getpid()) + "/exe";
  std::array<const char*, 3> words{"blackstart-agent", "--version", nullptr};
  char* none[] = {nullptr};
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  volatile int code = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const pid_t pid = ::vfork();
#pragma GCC diagnostic pop
  if (pid == 0) {
    ::dup2(null, 1);
    ::dup2(null, 2);
    ::execve(path.c_str(), const_cast<char**>(words.data()), none);
    code = errno;
    ::_exit(127);
  }
  const int error = errno;
  if (null >= 0) ::close(null);
  if (pid < 0) return fail_errno(error, "try", "an exec");
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  if (code == EPERM) return TestEnd::kDenied;
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? TestEnd::kKilled : TestEnd::kRan;
}

struct Destroy {
  void operator()(blackstart_exec* skeleton) const { blackstart_exec__destroy(skeleton); }
};
using Skeleton = std::unique_ptr<blackstart_exec, Destroy>;

Result<Skeleton> load(const ExecTables& tables, bool denies) {
  libbpf_set_print(nullptr);  // what fails is said in the Error
  Skeleton out(blackstart_exec__open());
  if (!out) return kernel_refused(errno, "open", "the program at exec", kHint);
  // libbpf maps .rodata writable until the object is loaded.
  std::memcpy(const_cast<exec_config*>(const_cast<const exec_config*>(&out->rodata->config)), &tables.config,
              sizeof(exec_config));
  const auto& maps = out->maps;
  set_size(maps.blackstart_inod, tables.inodes.keys.size());
  set_size(maps.blackstart_path, tables.paths.keys.size());
  set_size(maps.blackstart_name, tables.names.keys.size());
  set_size(maps.blackstart_comm, tables.comms.keys.size());
  set_size(maps.blackstart_line, tables.lines.keys.size());
  set_size(maps.blackstart_user, tables.users.keys.size());
  set_size(maps.blackstart_cgrp, tables.cgroups.keys.size());
  set_size(maps.blackstart_intp, tables.interpreters.size());
  bpf_program__set_autoload(out->progs.blackstart_deny, denies);
  if (const int code = blackstart_exec__load(out.get()); code != 0)
    return kernel_refused(-code, "load", "the program at exec", kHint);
  return out;
}

template <typename Key>
Result<> fill(bpf_map* map, const ExecTables::Table<Key>& table) {
  return fill_map(map, table.keys, table.values);
}

Result<> fill(const blackstart_exec& skeleton, const ExecTables& tables) {
  const auto& maps = skeleton.maps;
  Result<> first = fill(maps.blackstart_inod, tables.inodes);
  keep_first(first, fill(maps.blackstart_path, tables.paths));
  keep_first(first, fill(maps.blackstart_name, tables.names));
  keep_first(first, fill(maps.blackstart_comm, tables.comms));
  keep_first(first, fill(maps.blackstart_line, tables.lines));
  keep_first(first, fill(maps.blackstart_user, tables.users));
  keep_first(first, fill(maps.blackstart_cgrp, tables.cgroups));
  keep_first(first, fill_map(maps.blackstart_intp, tables.interpreters,
                             std::vector<uint32_t>(tables.interpreters.size(), 1)));
  return first;
}

Result<> attach(bpf_program* program, bpf_link*& link) {
  link = bpf_program__attach(program);
  if (!link) return kernel_refused(errno, "attach", bpf_program__name(program), kHint);
  return {};
}

// Ours, of the one kind or the other; `end` says which did its work.
Result<Skeleton> put_in_place(const ExecTables& tables, const std::string& run, bool denies, TestEnd& end) {
  auto out = load(tables, denies);
  if (!out) return out;
  blackstart_exec& skeleton = **out;
  Result<> ok = fill(skeleton, tables);
  if (ok) ok = identify(skeleton.maps.blackstart_id, run, {skeleton.progs.blackstart_exec});
  if (ok) ok = attach(skeleton.progs.blackstart_exec, skeleton.links.blackstart_exec);
  if (ok && denies) ok = attach(skeleton.progs.blackstart_deny, skeleton.links.blackstart_deny);
  if (!ok) return tl::unexpected(ok.error());
  store(skeleton.bss->gate.testing, 1);
  const auto tried = execute_ourselves();
  store(skeleton.bss->gate.testing, 0);
  if (!tried) return tl::unexpected(tried.error());
  if (*tried == TestEnd::kRan)
    return fail(ErrorKind::kMissing, "end an exec by", "the program at exec", 0,
                "it is attached, and the kernel does not ask it");
  end = *tried;
  return out;
}

// Denying is tried once in a process's life: what the kernel refuses it goes on refusing. It is asked for a
// program of the kind first, which is cheaper than to load ours in vain.
bool may_deny() {
  static const bool known = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_LSM, nullptr) == 1;
  return known;
}
std::atomic<bool> no_denying{false};

Feature tried(const char* name, bool denies, const char* hint) {
  TestEnd end{};
  const auto tables = compile({{.fault = "probe", .end_ns = 1, .comm = "bs-probe-none"}}, {});
  auto done = tables ? put_in_place(*tables, "probe", denies, end) : tl::unexpected(tables.error());
  if (!done) return {name, false, done.error().message(), hint};
  if (denies && end != TestEnd::kDenied)
    return {name, false, "the program is attached, and the kernel does not ask it", hint};
  return {name, true, denies ? "an exec was refused with EPERM" : "an exec was ended by SIGKILL", ""};
}

}  // namespace

Result<std::unique_ptr<HoldDown>> HoldDown::make(const std::vector<HoldDownRule>& rules,
                                                 const HoldDownOptions& options) {
  const auto tables = compile(rules, options);
  if (!tables) return tl::unexpected(tables.error());
  TestEnd end{};
  Result<Skeleton> skeleton = fail(ErrorKind::kMissing, "deny an exec");
  if (!no_denying && may_deny()) skeleton = put_in_place(*tables, options.run, true, end);
  if (!skeleton || end != TestEnd::kDenied) {
    no_denying = true;
    skeleton = put_in_place(*tables, options.run, false, end);
  }
  if (!skeleton) return tl::unexpected(skeleton.error());
  std::unique_ptr<HoldDown> out(new HoldDown(skeleton->release()));
  out->denies_ = end == TestEnd::kDenied;
  for (const auto& [fault, service] : tables->counted) out->counts_.push_back({fault, service, 0});
  return out;
}

HoldDown::~HoldDown() {
  revert();
}

const char* HoldDown::name() const {
  return denies_ ? "ebpf/lsm" : "ebpf/exec";
}

void HoldDown::fire(int64_t t0, const Word& word) {
  renew(word);
  if (skeleton_) store(skeleton_->bss->gate.t0, static_cast<uint64_t>(t0));
}

void HoldDown::renew(const Word& word) {
  if (!skeleton_) return;
  store(skeleton_->bss->gate.lease_end_ns, static_cast<uint64_t>(word.lease_end));
  store(skeleton_->bss->gate.horizon_ns, static_cast<uint64_t>(word.horizon));
}

std::vector<HoldDownCount> HoldDown::counts() const {
  for (uint32_t i = 0; skeleton_ && i < counts_.size(); ++i) {
    uint64_t ended = 0;
    if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.blackstart_ends), &i, &ended) == 0)
      counts_[i].ended = ended;
  }
  std::vector<HoldDownCount> out;
  for (const HoldDownCount& one : counts_) {
    if (one.fault.empty()) continue;  // of what is never ended
    const auto same = std::find_if(out.begin(), out.end(), [&](const HoldDownCount& known) {
      return known.fault == one.fault && known.service == one.service;
    });
    if (same == out.end())
      out.push_back(one);
    else
      same->ended += one.ended;
  }
  return out;
}

void HoldDown::revert() {
  if (!skeleton_) return;
  // Detaching may wait for programs that run; what they decide from here on is to let through.
  store(skeleton_->bss->gate.lease_end_ns, 0);
  (void)counts();
  blackstart_exec__destroy(skeleton_);
  skeleton_ = nullptr;
}

Feature probe_exec_kill() {
  return tried("exec-kill", false, "Linux 5.8 or later with CONFIG_DEBUG_INFO_BTF, CAP_BPF and CAP_PERFMON");
}

Feature probe_exec_deny() {
  return tried("exec-deny", true, "CONFIG_BPF_LSM, and bpf among the modules of lsm= (hold-down then kills)");
}

}  // namespace blackstart
