// SPDX-License-Identifier: Apache-2.0
// Cgroups of version 2, named relative to the root of the hierarchy ("blackstart/lab/host/services").
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/kernel/fd.h"

namespace blackstart {

// Where the hierarchy is mounted, from /proc/mounts.
[[nodiscard]] Result<std::filesystem::path> cgroup2_root();

// The name of the caller's cgroup; "" for the root, and where there is no version 2.
[[nodiscard]] std::string own_cgroup();
[[nodiscard]] std::string cgroup_of_process(pid_t pid);

// One cgroup, which may not exist. A copy of this object is the same cgroup; nothing is owned.
class Cgroup {
 public:
  [[nodiscard]] static Result<Cgroup> at(const std::string& name);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] bool exists() const { return std::filesystem::exists(path_); }

  // With its parents; one that exists is fine.
  [[nodiscard]] Result<> create() const;
  // A descriptor through which a process joins by writing "0".
  [[nodiscard]] Result<Fd> open_for_joining() const;
  // Whether somebody asked for this one to be frozen (cgroup.freeze).
  [[nodiscard]] bool frozen() const;
  // Asks for it, or for the contrary; what is in it and below stands still, or goes on, a moment later.
  [[nodiscard]] Result<> freeze(bool on) const;
  // What BPF and sockets know it by; 0: it does not exist.
  [[nodiscard]] uint64_t id() const;
  // The cgroups directly in it.
  [[nodiscard]] std::vector<Cgroup> children() const;
  // The processes in it and below, unordered.
  [[nodiscard]] std::vector<pid_t> processes() const;
  // Whether a process is in it or below, one that is dying too.
  [[nodiscard]] bool populated() const;
  // Kills every process in it and below, at once; does not wait until they are gone.
  [[nodiscard]] Result<> signal_kill() const;
  // The same, and waits until none is left; ETIMEDOUT otherwise.
  [[nodiscard]] Result<> kill(std::chrono::milliseconds timeout) const;
  // Removes it and everything below; processes left in it make it EBUSY. One that does not exist is fine.
  [[nodiscard]] Result<> remove() const;

 private:
  explicit Cgroup(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

}  // namespace blackstart
