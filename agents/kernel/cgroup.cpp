// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <thread>

namespace blackstart {

namespace fs = std::filesystem;

Result<fs::path> cgroup2_root() {
  std::ifstream mounts("/proc/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string device, where, type;
    if (fields >> device >> where >> type && type == "cgroup2") return fs::path(where);
  }
  return fail(ErrorKind::kMissing, "find cgroup v2 in", "/proc/mounts", 0,
              "mount it: mount -t cgroup2 cgroup2 /sys/fs/cgroup");
}

namespace {

std::string cgroup_in(const std::string& path) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.rfind("0::/", 0) == 0) return line.substr(4);
  return "";
}

Result<> write_to(const fs::path& file, std::string_view text) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid() || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail_errno(errno, "write", file);
  return {};
}

}  // namespace

std::string own_cgroup() {
  return cgroup_in("/proc/self/cgroup");
}

std::string cgroup_of_process(pid_t pid) {
  return cgroup_in("/proc/" + std::to_string(pid) + "/cgroup");
}

Result<Cgroup> Cgroup::at(const std::string& name) {
  auto root = cgroup2_root();
  if (!root) return tl::unexpected(root.error());
  return Cgroup(*root / name);
}

Result<> Cgroup::create() const {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) return fail_errno(error.value(), "create cgroup", path_);
  return {};
}

Result<Fd> Cgroup::open_for_joining() const {
  const fs::path file = path_ / "cgroup.procs";
  Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno(errno, "open", file);
  return fd;
}

bool Cgroup::frozen() const {
  int asked = 0;
  std::ifstream(path_ / "cgroup.freeze") >> asked;
  return asked != 0;
}

Result<> Cgroup::freeze(bool on) const {
  return write_to(path_ / "cgroup.freeze", on ? "1" : "0");
}

uint64_t Cgroup::id() const {
  struct stat found {};
  return ::stat(path_.c_str(), &found) == 0 ? found.st_ino : 0;
}

std::vector<Cgroup> Cgroup::children() const {
  std::vector<Cgroup> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path_, error))
    if (entry.is_directory(error)) out.push_back(Cgroup(entry.path()));
  return out;
}

std::vector<pid_t> Cgroup::processes() const {
  std::vector<pid_t> pids;
  std::ifstream own(path_ / "cgroup.procs");
  for (pid_t pid; own >> pid;) pids.push_back(pid);
  for (const Cgroup& child : children()) {
    const auto below = child.processes();
    pids.insert(pids.end(), below.begin(), below.end());
  }
  return pids;
}

bool Cgroup::populated() const {
  std::ifstream events(path_ / "cgroup.events");
  std::string key;
  for (int value; events >> key >> value;)
    if (key == "populated") return value != 0;
  return false;
}

Result<> Cgroup::signal_kill() const {
  return write_to(path_ / "cgroup.kill", "1");
}

Result<> Cgroup::kill(std::chrono::milliseconds timeout) const {
  if (!exists()) return {};
  if (auto killed = signal_kill(); !killed) return killed;
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (populated()) {
    if (std::chrono::steady_clock::now() > deadline)
      return fail_errno(ETIMEDOUT, "kill the processes of", path_);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return {};
}

Result<> Cgroup::remove() const {
  for (const Cgroup& child : children())
    if (auto removed = child.remove(); !removed) return removed;
  if (::rmdir(path_.c_str()) != 0 && errno != ENOENT) return fail_errno(errno, "remove cgroup", path_);
  return {};
}

}  // namespace blackstart
