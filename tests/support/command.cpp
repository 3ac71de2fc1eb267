// SPDX-License-Identifier: Apache-2.0
#include "tests/support/command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace blackstart {
namespace {

// False once the other end is closed.
bool drain(int fd, std::string& into) {
  char buffer[65536];
  const ssize_t got = read(fd, buffer, sizeof buffer);
  if (got > 0) into.append(buffer, static_cast<size_t>(got));
  return got > 0;
}

}  // namespace

RunningCommand::RunningCommand(const std::vector<std::string>& argv) {
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  pid_ = fork();
  if (pid_ == 0) {
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    std::vector<char*> words;
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    execvp(words[0], words.data());
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
}

RunningCommand::~RunningCommand() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(out_);
  close(err_);
}

void RunningCommand::send(int signal) const {
  if (pid_ > 0) kill(pid_, signal);
}

CommandResult RunningCommand::wait(std::chrono::seconds patience) {
  CommandResult result;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  bool open_out = true, open_err = true;
  while (open_out || open_err) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now())
            .count();
    if (left <= 0) {
      kill(pid_, SIGKILL);
      break;
    }
    pollfd polled[2] = {{open_out ? out_ : -1, POLLIN, 0}, {open_err ? err_ : -1, POLLIN, 0}};
    poll(polled, 2, static_cast<int>(left));
    if (polled[0].revents != 0) open_out = drain(out_, result.out);
    if (polled[1].revents != 0) open_err = drain(err_, result.err);
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

CommandResult run_command(const std::vector<std::string>& argv, std::chrono::seconds patience) {
  return RunningCommand(argv).wait(patience);
}

}  // namespace blackstart
