// SPDX-License-Identifier: Apache-2.0
// Starting a program on a lab host: in the host's network namespace and cgroup, with a mount namespace
// and a UTS namespace of its own, as the user named, without a shell.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/kernel/cgroup.h"

namespace blackstart::lab {

// Where services' programs are looked for, whatever the caller's PATH says.
inline constexpr const char* kServicePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct BindMount {
  std::string source, target;
};

struct Launch {
  std::string netns;  // "": stay in the caller's network and mounts, under its host name
  Cgroup cgroup;
  std::string hostname;
  std::vector<BindMount> mounts;
  std::string user;                      // "": stay root
  std::string folder;                    // to start in; "": stay
  std::string program;                   // a path as the process sees it
  std::vector<std::string> arguments;    // with the program's name first
  std::vector<std::string> environment;  // "NAME=value"
};

struct User {
  std::string name, home;
  uid_t uid = 0;
  gid_t gid = 0;
};

// kMissing when there is no such user. "" is root.
[[nodiscard]] Result<User> find_user(const std::string& name);

// The path of a program: itself when it has a slash, else searched for in `search_path`; "": not found.
[[nodiscard]] std::string find_program(const std::string& name, const std::string& search_path);

// A process that cannot be mistaken for a later one with the same number.
struct ProcessId {
  pid_t pid = 0;
  uint64_t started = 0;  // in clock ticks since boot, as in /proc/PID/stat

  [[nodiscard]] static ProcessId of(pid_t pid);  // started 0: no such process
  [[nodiscard]] bool alive() const;              // a zombie is dead
  // Waits for its end, which must be near, if it is a child of the caller; else does nothing.
  void reap() const;
};

// Starts the program in a session of its own, its output appended to `log` (made for the user if it
// does not exist), its input empty. It is a child of the caller and outlives it.
// On failure nothing runs, and the error says which step failed.
[[nodiscard]] Result<ProcessId> spawn(const Launch& launch, const std::filesystem::path& log);

// Becomes the program, with the caller's input and output. Returns only on failure; the calling
// process may then already be inside the host, and should end.
[[nodiscard]] Error become(const Launch& launch);

}  // namespace blackstart::lab
