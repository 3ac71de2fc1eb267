// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/restart.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "agents/faults/process/units.h"
#include "agents/kernel/fd.h"
#include "agents/kernel/pidfd.h"
#include "agents/kernel/seqpacket.h"

namespace blackstart {
namespace {

// Of a keeper, which only starts a process, and of a command, to fail in.
constexpr int kKeeperPatience = 500, kCommandPatience = 200;  // milliseconds

tl::unexpected<Error> not_started(const std::string& service, int code, const std::string& why) {
  return fail(ErrorKind::kInternal, "start again", service, code, why);
}

bool readable(int fd, int milliseconds) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, milliseconds) == 1;
}

Result<> ask_keeper(const contract::Step::DownService& service) {
  const auto keeper = connect_packets(service.keeper());
  if (!keeper)
    return not_started(
        service.service(), keeper.error().code,
        "the lab's keeper does not listen on " + service.keeper() + ": blackstart lab up starts both again");
  if (auto ok = send_packet(*keeper, "start " + service.host() + " " + service.service()); !ok) return ok;
  if (!readable(keeper->get(), kKeeperPatience))
    return not_started(service.service(), ETIMEDOUT, "the lab's keeper does not answer");
  const auto answer = receive_packet(*keeper);
  if (!answer) return tl::unexpected(answer.error());
  if (*answer && (*answer)->starts_with("ok")) return {};
  const std::string said = answer->value_or("");
  return not_started(service.service(), 0,
                     said.starts_with("error ") ? said.substr(6) : "the keeper: " + said);
}

// Runs in the child, which shares our memory until it executes: system calls alone. Returns the errno that
// kept it from executing.
int execute(char* const* words, int null, const passwd& user) {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction plain {};
    plain.sa_handler = SIG_DFL;
    ::sigaction(signal, &plain, nullptr);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::setsid() < 0 || ::chdir("/") != 0) return errno;
  for (const int fd : {0, 1, 2})
    if (::dup2(null, fd) < 0) return errno;
  // The C library's own would change the agent's other threads too.
  if (::syscall(SYS_setgroups, 0, nullptr) != 0 ||
      ::syscall(SYS_setresgid, user.pw_gid, user.pw_gid, user.pw_gid) != 0 ||
      ::syscall(SYS_setresuid, user.pw_uid, user.pw_uid, user.pw_uid) != 0)
    return errno;
  if (::syscall(SYS_close_range, 3, ~0U, 0) != 0) return errno;
  char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char* environment[] = {path, nullptr};
  ::execvpe(words[0], words, environment);
  return errno;
}

// Children that were started here and have not been waited for.
std::vector<pid_t>& children() {
  static std::vector<pid_t> all;
  return all;
}

Result<> run_command(const contract::Step::DownService& service) {
  std::erase_if(children(), [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
  passwd entry{};
  passwd* nobody = nullptr;
  std::array<char, 4096> buffer;
  ::getpwnam_r("nobody", &entry, buffer.data(), buffer.size(), &nobody);
  if (!nobody || nobody->pw_uid == 0) return not_started(service.service(), 0, "there is no user nobody");
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return not_started(service.service(), errno, "/dev/null");
  std::vector<std::string> words(service.command().begin(), service.command().end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  volatile int failed = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const pid_t pid = ::vfork();
#pragma GCC diagnostic pop
  if (pid == 0) {
    failed = execute(argv.data(), null.get(), *nobody);
    ::_exit(127);
  }
  const int error = pid < 0 ? errno : failed;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid > 0 && error != 0) ::waitpid(pid, nullptr, 0);
  if (error != 0) return not_started(service.service(), error, "cannot run " + words[0]);

  const Fd process = open_pidfd(pid);
  if (!process.valid() || !readable(process.get(), kCommandPatience)) {
    children().push_back(pid);  // it goes on: it is the service, or starts it at leisure
    return {};
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return not_started(
      service.service(), 0,
      words[0] + (WIFEXITED(status) ? " exited with " + std::to_string(WEXITSTATUS(status))
                                    : " was killed by signal " + std::to_string(WTERMSIG(status))));
}

}  // namespace

Result<> start_again(const contract::Step::DownService& service) {
  if (!service.keeper().empty()) return ask_keeper(service);
  if (!service.unit().empty()) {
    std::vector<std::string> units(service.active().begin(), service.active().end());
    if (units.empty()) units.push_back(service.unit());
    return start_units(units);
  }
  if (service.command_size() > 0) return run_command(service);
  return not_started(service.service(), 0, "nobody is known who would");
}

}  // namespace blackstart
