// SPDX-License-Identifier: Apache-2.0
#include "injector/lab/launch.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>

#include "agents/kernel/fd.h"
#include "agents/kernel/named_netns.h"

namespace blackstart::lab {
namespace {

// What went wrong on the way into the host; plain data, so that it can cross a pipe after fork.
struct Failure {
  const char* operation = nullptr;  // a string literal: the same address in parent and child
  int code = 0;
};

// Everything a launch needs, opened and looked up before fork: between fork and exec only system calls
// are safe, since another thread may hold any lock.
struct Prepared {
  const Launch& launch;
  User user;
  std::vector<gid_t> groups;
  Fd netns, cgroup;
  std::vector<char*> arguments, environment;
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

Result<Prepared> prepare(const Launch& launch) {
  auto user = find_user(launch.user);
  if (!user) return tl::unexpected(user.error());
  auto netns = launch.netns.empty() ? Result<Fd>() : open_netns(launch.netns);
  if (!netns) return tl::unexpected(netns.error());
  auto cgroup = launch.cgroup.open_for_joining();
  if (!cgroup) return tl::unexpected(cgroup.error());
  int count = 64;
  std::vector<gid_t> groups(static_cast<size_t>(count));
  while (::getgrouplist(user->name.c_str(), user->gid, groups.data(), &count) < 0)
    groups.resize(static_cast<size_t>(count));
  groups.resize(static_cast<size_t>(count));
  return Prepared{launch,
                  std::move(*user),
                  std::move(groups),
                  std::move(*netns),
                  std::move(*cgroup),
                  pointers(launch.arguments),
                  pointers(launch.environment)};
}

// Into the host's network, mounts and name.
Failure enter_namespaces(const Prepared& prepared) {
  const Launch& launch = prepared.launch;
  if (::setns(prepared.netns.get(), CLONE_NEWNET) != 0) return {"enter the network namespace", errno};
  if (::unshare(CLONE_NEWNS | CLONE_NEWUTS) != 0) return {"leave the mount namespace", errno};
  // Unmounts outside reach in here, mounts in here stay here.
  if (::mount("", "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return {"detach the mounts", errno};
  for (const BindMount& bind : launch.mounts)
    if (::mount(bind.source.c_str(), bind.target.c_str(), nullptr, MS_BIND, nullptr) != 0)
      return {"mount over /etc/hosts and the like", errno};
  if (::sethostname(launch.hostname.c_str(), launch.hostname.size()) != 0)
    return {"set the host name", errno};
  return {};
}

// Brings the calling process into the host, up to the last step before exec. System calls only.
Failure enter(const Prepared& prepared) {
  const Launch& launch = prepared.launch;
  if (::write(prepared.cgroup.get(), "0", 1) != 1) return {"join the cgroup", errno};
  if (prepared.netns.valid())
    if (const Failure failure = enter_namespaces(prepared); failure.operation) return failure;
  if (!launch.folder.empty() && ::chdir(launch.folder.c_str()) != 0) return {"change into the folder", errno};
  if (prepared.user.uid != 0) {
    if (::setgroups(prepared.groups.size(), prepared.groups.data()) != 0) return {"set the groups", errno};
    if (::setresgid(prepared.user.gid, prepared.user.gid, prepared.user.gid) != 0)
      return {"set the group", errno};
    if (::setresuid(prepared.user.uid, prepared.user.uid, prepared.user.uid) != 0)
      return {"set the user", errno};
  }
  return {};
}

Failure execute(const Prepared& prepared) {
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execve(prepared.launch.program.c_str(), prepared.arguments.data(), prepared.environment.data());
  return {"execute", errno};
}

Error describe(const Failure& failure, const Launch& launch) {
  return Error{ErrorKind::kInternal, std::string("start ") + launch.program + " on " + launch.hostname + ":",
               failure.operation, failure.code, ""};
}

[[noreturn]] void run_child(const Prepared& prepared, int input, int log, int report) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_DFL);
  ::setsid();
  ::umask(022);
  Failure failure;
  if (::dup2(input, 0) < 0 || ::dup2(log, 1) < 0 || ::dup2(log, 2) < 0)
    failure = {"connect input and output", errno};
  if (!failure.operation) failure = enter(prepared);
  if (!failure.operation) failure = execute(prepared);
  [[maybe_unused]] const ssize_t told = ::write(report, &failure, sizeof failure);
  ::_exit(127);
}

Result<Fd> open_log(const std::filesystem::path& path, const User& user) {
  Fd log(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!log.valid() || ::fchown(log.get(), user.uid, user.gid) != 0) return fail_errno(errno, "open", path);
  return log;
}

// State and start time of a process: fields 3 and 22 of its stat file. The name before them may hold
// anything, so they are counted from its closing parenthesis.
bool read_stat(pid_t pid, char& state, uint64_t& started) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text)) return false;
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream fields(text.substr(name_end + 1));
  fields >> state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  return static_cast<bool>(fields >> started);
}

}  // namespace

Result<User> find_user(const std::string& name) {
  const std::string wanted = name.empty() ? "root" : name;
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> buffer;
  if (::getpwnam_r(wanted.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found)
    return fail(ErrorKind::kMissing, "find the user", wanted, 0,
                "the package that brings the service makes it");
  return User{wanted, entry.pw_dir, entry.pw_uid, entry.pw_gid};
}

std::string find_program(const std::string& name, const std::string& search_path) {
  if (name.find('/') != std::string::npos) return name;
  std::istringstream folders(search_path);
  for (std::string folder; std::getline(folders, folder, ':');)
    if (const std::string path = folder + "/" + name; ::access(path.c_str(), X_OK) == 0) return path;
  return "";
}

ProcessId ProcessId::of(pid_t pid) {
  char state = 0;
  ProcessId id{pid, 0};
  read_stat(pid, state, id.started);
  return id;
}

bool ProcessId::alive() const {
  char state = 0;
  uint64_t now = 0;
  return started != 0 && read_stat(pid, state, now) && now == started && state != 'Z' && state != 'X';
}

void ProcessId::reap() const {
  if (started != 0 && of(pid).started == started) ::waitpid(pid, nullptr, 0);
}

Result<ProcessId> spawn(const Launch& launch, const std::filesystem::path& log_path) {
  const auto prepared = prepare(launch);
  if (!prepared) return tl::unexpected(prepared.error());
  const auto log = open_log(log_path, prepared->user);
  if (!log) return tl::unexpected(log.error());
  const Fd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  int ends[2];
  if (!input.valid() || ::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "start", launch.program);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);

  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno(errno, "start", launch.program);
  if (pid == 0) run_child(*prepared, input.get(), log->get(), writer.get());

  // A successful exec closes the pipe without a word.
  writer.reset();
  Failure failure;
  ssize_t size = 0;
  while ((size = ::read(reader.get(), &failure, sizeof failure)) < 0 && errno == EINTR) {
  }
  if (size == 0) return ProcessId::of(pid);
  ::waitpid(pid, nullptr, 0);
  return tl::unexpected(describe(failure, launch));
}

Error become(const Launch& launch) {
  const auto prepared = prepare(launch);
  if (!prepared) return prepared.error();
  Failure failure = enter(*prepared);
  if (!failure.operation) failure = execute(*prepared);
  return describe(failure, launch);
}

}  // namespace blackstart::lab
