// SPDX-License-Identifier: Apache-2.0
// Where a lab keeps its files. Everything is under one directory, so that removing it leaves nothing.
#pragma once

#include <filesystem>
#include <string>

namespace blackstart::lab {

inline constexpr const char* kWan = "wan";        // the host name of the router namespace
inline constexpr const char* kAgent = "agent";    // takes the place of the service name in an agent's paths
inline constexpr const char* kKeeper = "keeper";  // and of the host name, in the keeper's cgroup

struct Paths {
  std::filesystem::path root;  // /run/blackstart/lab/NAME

  static std::filesystem::path of_all_labs() { return "/run/blackstart/lab"; }
  static Paths of(const std::string& lab) { return {of_all_labs() / lab}; }

  [[nodiscard]] std::filesystem::path state() const { return root / "state.json"; }
  // What the keeper has started since.
  [[nodiscard]] std::filesystem::path started() const { return root / "started.json"; }
  [[nodiscard]] std::filesystem::path keeper_socket() const { return root / "keeper"; }
  [[nodiscard]] std::filesystem::path keeper_log() const { return root / "keeper.log"; }
  // A hosts file with every name of the lab; the {names} placeholder.
  [[nodiscard]] std::filesystem::path names() const { return root / "names"; }
  // Mount points, only ever mounted on inside the lab's processes: the folder of the programs ({bin})
  // and of the topology ({topology}), reachable for users who cannot enter the real ones.
  [[nodiscard]] std::filesystem::path bin() const { return root / "bin"; }
  [[nodiscard]] std::filesystem::path topology() const { return root / "topology"; }
  // What is mounted over /etc/hosts and /etc/resolv.conf of a host's processes.
  [[nodiscard]] std::filesystem::path etc(const std::string& host) const { return root / "etc" / host; }
  // The {dir} placeholder; its `log` holds what the process prints.
  [[nodiscard]] std::filesystem::path process(const std::string& host, const std::string& service) const {
    return root / "hosts" / host / service;
  }
  [[nodiscard]] std::filesystem::path agents() const { return root / "agents"; }
  [[nodiscard]] std::filesystem::path agent_socket(const std::string& host) const {
    return agents() / (host + ".sock");
  }
};

}  // namespace blackstart::lab
