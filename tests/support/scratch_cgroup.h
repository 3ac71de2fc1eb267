// SPDX-License-Identifier: Apache-2.0
// A cgroup of a test's own, and processes put into it. Gone before and after, with whatever is in it.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "agents/kernel/cgroup.h"

namespace blackstart::test {

class ScratchCgroup {
 public:
  // `name` is relative to the root of version 2.
  explicit ScratchCgroup(std::string name) : name_(std::move(name)), cgroup_(Cgroup::at(name_).value()) {
    remove();
    if (const auto ok = cgroup_.create(); !ok) throw std::runtime_error(ok.error().message());
  }
  ~ScratchCgroup() { remove(); }
  ScratchCgroup(const ScratchCgroup&) = delete;
  ScratchCgroup& operator=(const ScratchCgroup&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Cgroup& cgroup() const { return cgroup_; }

 private:
  void remove() {
    (void)cgroup_.kill(std::chrono::seconds(2));
    (void)cgroup_.remove();
  }

  std::string name_;
  Cgroup cgroup_;
};

// Starts a program in a cgroup, with nothing to read or say. Its own session; the caller waits for it.
inline pid_t start_in(const std::string& cgroup, const std::vector<std::string>& words,
                      const std::string& folder = "/", uid_t user = 0) {
  const auto join = Cgroup::at(cgroup).value().open_for_joining();
  if (!join) throw std::runtime_error(join.error().message());
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2}) ::dup2(null, fd);
  if (::write(join->get(), "0", 1) != 1 || ::chdir(folder.c_str()) != 0) ::_exit(126);
  if (user != 0 && ::setresuid(user, user, user) != 0) ::_exit(126);
  ::execvp(argv[0], argv.data());
  ::_exit(errno == EPERM ? 125 : 127);
}

// As waitpid() says it.
inline int run_in(const std::string& cgroup, const std::vector<std::string>& words,
                  const std::string& folder = "/", uid_t user = 0) {
  int status = 0;
  ::waitpid(start_in(cgroup, words, folder, user), &status, 0);
  return status;
}

}  // namespace blackstart::test
