// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/command_check.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace blackstart {
namespace {

constexpr size_t kKeptOutput = 200;
constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// What the child needs, prepared before it exists: it shares our memory until it executes, so it may
// only make system calls. Every descriptor but 0, 1 and 2 is closed when it executes.
struct Launch {
  std::vector<std::string> files;  // to try, in order
  std::vector<char*> argv;
  std::array<char*, 3> environment;
  int null = -1;
  int output = -1;
  pid_t agent = 0;
  const Credentials* user = nullptr;
};

// The C library's set*id() would change the agent's other threads, whose list the child still shares.
bool drop_privileges(const Credentials& user) {
  return syscall(SYS_setgroups, 0, nullptr) == 0 &&
         syscall(SYS_setresgid, user.gid, user.gid, user.gid) == 0 &&
         syscall(SYS_setresuid, user.uid, user.uid, user.uid) == 0;
}

// What a process that is not root was given would outlive the exec, ambient ones do.
bool drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
         syscall(SYS_capset, &header, none.data()) == 0;
}

// Runs in the child. Returns the errno that kept it from executing.
int execute(const Launch& launch) {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction plain {};
    plain.sa_handler = SIG_DFL;
    sigaction(signal, &plain, nullptr);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (setpgid(0, 0) != 0) return errno;
  if (dup2(launch.null, 0) < 0 || dup2(launch.null, 1) < 0 || dup2(launch.output, 2) < 0) return errno;
  if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return errno;
  if (chdir("/") != 0) return errno;
  if (launch.user && !drop_privileges(*launch.user)) return errno;
  if (!drop_capabilities()) return errno;
  // After the user changed, which would clear the signal; an agent that died before is noticed by hand.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
  if (getppid() != launch.agent) return ESRCH;
  int error = ENOENT;
  for (const std::string& file : launch.files) {
    execve(file.c_str(), launch.argv.data(), launch.environment.data());
    if (errno != ENOENT && errno != ENOTDIR) error = errno;
  }
  return error;
}

// The pid of the new process, or minus the errno that kept it from executing.
pid_t spawn(const Launch& launch) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
  const Fd verdict(ends[0]);
  Fd verdict_of_child(ends[1]);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const pid_t pid = vfork();
#pragma GCC diagnostic pop
  if (pid == 0) {
    const int error = execute(launch);
    [[maybe_unused]] const ssize_t size = write(ends[1], &error, sizeof error);
    _exit(127);
  }
  const int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return -fork_error;
  verdict_of_child = Fd();
  int error = 0;
  if (read(verdict.get(), &error, sizeof error) <= 0) return pid;  // closed by executing
  waitpid(pid, nullptr, 0);
  return -error;
}

std::vector<std::string> candidates(const std::string& program) {
  if (program.find('/') != std::string::npos) return {program};
  std::vector<std::string> files;
  std::string_view rest = kPath;
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    files.push_back(std::string(folder) + "/" + program);
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
  }
  return files;
}

class CommandCheck final : public Check, private Watcher {
 public:
  CommandCheck(const contract::CommandCheck& command, CheckContext& context, Report report)
      : loop_(context.loop), reaper_(context.reaper), report_(std::move(report)) {
    if (const int error = begin(command, context)) {
      const Finding local = failure_of(error, command.argv(0));
      report_(local.outcome == contract::Sample::MISSED
                  ? local
                  : failure("error", "cannot run " + command.argv(0) + ": " + std::strerror(error)));
    }
  }
  ~CommandCheck() override {
    if (pid_ != 0) reaper_.kill_group(pid_);
    for (const Fd* fd : {&process_, &output_})
      if (fd->get() >= 0) loop_.unwatch(fd->get());
  }
  std::string_view doing() const override { return "killed with its group"; }

 private:
  int begin(const contract::CommandCheck& command, CheckContext& context);
  void ready(int fd, uint32_t events) override;
  void alarm() override {}
  void read_output();

  Loop& loop_;
  CommandReaper& reaper_;
  Report report_;
  pid_t pid_ = 0;  // 0: none, or reaped
  Fd process_;
  Fd output_;
  std::string last_output_;
};

int CommandCheck::begin(const contract::CommandCheck& command, CheckContext& context) {
  reaper_.reap();
  const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  int ends[2];
  if (null.get() < 0 || pipe2(ends, O_CLOEXEC) != 0) return errno;
  output_ = Fd(ends[0]);
  const Fd write_end(ends[1]);
  fcntl(output_.get(), F_SETFL, O_NONBLOCK);

  std::vector<std::string> arguments(command.argv().begin(), command.argv().end());
  std::string path = std::string("PATH=") + kPath, language = "LANG=C.UTF-8";
  Launch launch{.files = candidates(arguments.front()),
                .environment = {path.data(), language.data(), nullptr},
                .null = null.get(),
                .output = write_end.get(),
                .agent = getpid(),
                .user = context.command_user ? &*context.command_user : nullptr};
  for (std::string& argument : arguments) launch.argv.push_back(argument.data());
  launch.argv.push_back(nullptr);

  const pid_t pid = spawn(launch);
  if (pid < 0) return -pid;
  pid_ = pid;
  process_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (process_.get() < 0) return errno;
  loop_.watch(process_.get(), EPOLLIN, this);
  loop_.watch(output_.get(), EPOLLIN, this);
  return 0;
}

void CommandCheck::ready(int fd, uint32_t) {
  if (fd == output_.get()) return read_output();
  if (pid_ == 0) return;
  loop_.unwatch(process_.get());
  read_output();
  // The dead leader holds the group's number until it is reaped, so nobody else can be hit.
  kill(-pid_, SIGKILL);
  int status = 0;
  waitpid(std::exchange(pid_, 0), &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return report_(success());
  const bool exited = WIFEXITED(status);
  std::string detail =
      exited ? std::to_string(WEXITSTATUS(status)) : "by signal " + std::to_string(WTERMSIG(status));
  if (!last_output_.empty()) detail += ": " + last_output_;
  report_(failure(exited ? "exit" : "killed", detail));
}

void CommandCheck::read_output() {
  // Bounded: a command that never stops writing must not hold the loop.
  std::array<char, 4096> buffer;
  for (int i = 0; i < 16; ++i) {
    const ssize_t size = read(output_.get(), buffer.data(), buffer.size());
    if (size == 0) loop_.unwatch(output_.get());
    if (size <= 0) return;
    last_output_.append(buffer.data(), static_cast<size_t>(size));
    if (last_output_.size() > kKeptOutput) last_output_.erase(0, last_output_.size() - kKeptOutput);
  }
}

}  // namespace

void CommandReaper::kill_group(pid_t leader) {
  kill(-leader, SIGKILL);
  dying_.push_back(leader);
  reap();
}

void CommandReaper::reap() {
  std::erase_if(dying_, [](pid_t pid) { return waitpid(pid, nullptr, WNOHANG) != 0; });
}

CommandReaper::~CommandReaper() {
  constexpr int kPatienceMs = 200;
  reap();
  for (int waited = 0; !dying_.empty() && waited < kPatienceMs; ++waited) {
    poll(nullptr, 0, 1);
    reap();
  }
}

Result<std::optional<Credentials>> credentials_of(const std::string& user) {
  if (geteuid() != 0) return std::nullopt;
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer;
  const int error = getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (!found) return fail(ErrorKind::kMissing, "look up the user of command probes", user, error);
  if (entry.pw_uid == 0)
    return fail(ErrorKind::kRefused, "look up the user of command probes", user, 0, "it must not be root");
  return Credentials{entry.pw_uid, entry.pw_gid};
}

Result<> validate_command(const contract::Probe& probe) {
  if (probe.command().argv().empty() || probe.command().argv(0).empty())
    return fail(ErrorKind::kInvalid, "start probe", probe.name(), 0, "a command needs a program to run");
  return {};
}

std::unique_ptr<Check> begin_command(const contract::Probe& probe, CheckContext& context, Report report) {
  return std::make_unique<CommandCheck>(probe.command(), context, std::move(report));
}

}  // namespace blackstart
