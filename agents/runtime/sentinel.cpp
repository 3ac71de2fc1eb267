// SPDX-License-Identifier: Apache-2.0
#include "agents/runtime/sentinel.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include <spdlog/spdlog.h>

#include "agents/kernel/pidfd.h"
#include "agents/runtime/sentinel_words.h"

extern char** environ;

namespace blackstart {
namespace {

constexpr int kStartPatience = 5000, kEndPatience = 1000;  // milliseconds

bool readable(int fd, int milliseconds) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, milliseconds) == 1;
}

// Clear of the numbers the sentinel is born with.
Fd out_of_the_way(const Fd& fd) {
  return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 16));
}

}  // namespace

std::string this_program() {
  std::error_code unknown;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", unknown);
  return !unknown && std::filesystem::exists(path, unknown) ? path.string() : "/proc/self/exe";
}

Result<std::unique_ptr<Sentinel>> Sentinel::start(std::vector<std::string> arguments) {
  std::unique_ptr<Sentinel> out(new Sentinel(std::move(arguments)));
  if (auto ok = out->spawn(); !ok) return tl::unexpected(ok.error());
  return out;
}

Result<> Sentinel::spawn() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return fail_errno(errno, "start", "the sentinel");
  Fd ours(ends[0]);
  Fd given(ends[1]);
  const Fd self = open_pidfd(::getpid());
  if (!self.valid()) return fail_errno(errno, "open a pidfd of", "the agent");
  Fd theirs = out_of_the_way(given);
  const Fd agent = out_of_the_way(self);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), kSentinelChannel);
  posix_spawn_file_actions_adddup2(&actions, agent.get(), kSentinelAgent);
  std::vector<char*> words;
  for (std::string& word : arguments_) words.push_back(word.data());
  words.push_back(nullptr);
  pid_t pid = -1;
  const int code = ::posix_spawn(&pid, this_program().c_str(), &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) return fail_errno(code, "start", "the sentinel");
  given.reset();
  theirs.reset();  // only the sentinel holds its end now: if it dies, the channel says so

  Fd process = open_pidfd(pid);
  int64_t word = 0;
  if (!process.valid() || !readable(ours.get(), kStartPatience) ||
      ::recv(ours.get(), &word, sizeof word, MSG_DONTWAIT) != sizeof word || word != kHere) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail(ErrorKind::kInternal, "start", "the sentinel", 0, "it did not come up; its log says why");
  }
  channel_ = std::move(ours);
  process_ = std::move(process);
  pid_ = pid;
  return {};
}

void Sentinel::send(int64_t word) {
  if (channel_.valid()) (void)::send(channel_.get(), &word, sizeof word, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void Sentinel::tell(int64_t deadline) {
  if (deadline == told_) return;
  told_ = deadline;
  send(deadline);
}

void Sentinel::tend() {
  const int64_t now = monotonic_now();
  if (process_.valid()) {
    if (!readable(process_.get(), 0)) return;
    ::waitpid(pid_, nullptr, 0);
    process_.reset();
    channel_.reset();
    const Duration pause = pace_.next(now);
    restart_at_ = now + pause.count();
    spdlog::warn("the sentinel (pid {}) died; another starts{}", pid_,
                 pause > Duration::zero() ? " in " + format_duration(pause) : "");
  }
  if (now < restart_at_) return;
  restart_at_ = INT64_MAX;
  if (auto ok = spawn(); !ok) {
    spdlog::error("{}", ok.error().message());
    restart_at_ = now + pace_.next(now).count() + 1'000'000'000;
    return;
  }
  send(told_);
}

void Sentinel::goodbye() {
  if (!process_.valid()) return;
  send(kGoodbye);
  if (readable(process_.get(), kEndPatience)) ::waitpid(pid_, nullptr, 0);
  process_.reset();
  channel_.reset();
}

}  // namespace blackstart
