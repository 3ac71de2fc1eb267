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
  if (readable(out->channel_.get(), kStartPatience)) out->hear();
  if (out->alive()) return out;
  out->kill();
  out->bury();
  return fail(ErrorKind::kInternal, "start", "the sentinel", 0, "it did not come up; its log says why");
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

  process_ = open_pidfd(pid);
  if (!process_.valid()) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail_errno(error, "open a pidfd of", "the sentinel");
  }
  channel_ = std::move(ours);
  pid_ = pid;
  due_ = monotonic_now() + kStartPatience * 1'000'000LL;
  send(told_);
  return {};
}

void Sentinel::hear() {
  int64_t word = 0;
  if (::recv(channel_.get(), &word, sizeof word, MSG_DONTWAIT) != sizeof word || word != kHere) return;
  watches_ = true;
  due_ = INT64_MAX;
}

void Sentinel::send(int64_t word) {
  if (!channel_.valid()) return;
  if (::send(channel_.get(), &word, sizeof word, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN) {
    spdlog::error("the sentinel (pid {}) does not listen: it is killed", pid_);
    kill();
  }
}

void Sentinel::kill() {
  (void)signal_pidfd(process_.get(), SIGKILL);
  watches_ = false;
  due_ = INT64_MAX;
}

// Once it is dead, or as good as dead.
void Sentinel::bury() {
  ::waitpid(pid_, nullptr, 0);
  process_.reset();
  channel_.reset();
  watches_ = false;
}

void Sentinel::tell(int64_t deadline) {
  if (deadline == told_) return;
  told_ = deadline;
  send(deadline);
}

void Sentinel::tend() {
  const int64_t now = monotonic_now();
  if (process_.valid()) {
    if (!watches_) hear();
    if (now >= due_) kill();
    if (!readable(process_.get(), 0)) return;
    bury();
    const Duration pause = pace_.next(now);
    due_ = now + pause.count();
    spdlog::warn("the sentinel (pid {}) died; another starts{}", pid_,
                 pause > Duration::zero() ? " in " + format_duration(pause) : "");
  }
  if (now < due_) return;
  if (auto ok = spawn(); !ok) {
    spdlog::error("{}", ok.error().message());
    due_ = now + pace_.next(now).count() + 1'000'000'000;
  }
}

void Sentinel::goodbye() {
  if (!process_.valid()) return;
  send(kGoodbye);
  if (!readable(process_.get(), kEndPatience)) kill();
  bury();
}

}  // namespace blackstart
