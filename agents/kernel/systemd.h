// SPDX-License-Identifier: Apache-2.0
// The service manager of this machine, asked over its own socket (root) or the system bus. A machine without
// one, or without this library's daemon, answers kMissing to connect().
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/kernel/features.h"

struct sd_bus;

namespace blackstart {

struct SystemdUnit {
  std::string name;                       // its own, where it was asked for by an alias
  std::string load_state;                 // loaded, masked, not-found, error, ...
  std::string active_state;               // active, activating, inactive, failed, ...
  std::string file_state;                 // enabled, disabled, static, transient, ...; "": it has no file
  std::string file;                       // where that is
  std::string cgroup;                     // relative to the root; "": it has no processes
  std::vector<std::string> triggered_by;  // sockets, timers and paths

  [[nodiscard]] bool active() const {
    return active_state == "active" || active_state == "activating" || active_state == "reloading";
  }
};

class Systemd {
 public:
  [[nodiscard]] static Result<Systemd> connect();

  // kInvalid where it knows no such unit. One that is masked is a unit.
  [[nodiscard]] Result<SystemdUnit> unit(const std::string& name);
  // The services, sockets, timers and paths that are active now.
  [[nodiscard]] Result<std::vector<std::string>> active_units();
  // Units' files are read again; returns when they are.
  [[nodiscard]] Result<> reload();
  // Asks for it, however often it failed; whether the unit comes up, or goes down, shows in its state.
  [[nodiscard]] Result<> start(const std::string& name);
  [[nodiscard]] Result<> stop(const std::string& name);
  // Every process of the unit; one without any is fine.
  [[nodiscard]] Result<> kill(const std::string& name, int signal);
  // Switches the machine off: services are not asked to stop, every process is killed.
  [[nodiscard]] Result<> power_off();

 private:
  struct Close {
    void operator()(sd_bus* bus) const;
  };
  explicit Systemd(sd_bus* bus) : bus_(bus) {}
  [[nodiscard]] Result<> ask(const char* method, const std::string& object, const char* types, ...);

  std::unique_ptr<sd_bus, Close> bus_;
};

// By name "systemd".
[[nodiscard]] Feature probe_systemd();

}  // namespace blackstart
