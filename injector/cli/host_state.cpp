// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/host_state.h"

#include <algorithm>

namespace blackstart::cli {

std::string HostState::text() const {
  std::string services;
  for (const std::string& service : down) services += (services.empty() ? "" : ", ") + service;
  if (down.empty()) return state;
  return state + (state == "over" ? ", waits to return: " : ", down: ") + services;
}

HostState host_state(const contract::HostReport& report, UnixNs now) {
  if (report.run().empty()) return {"free", {}};
  HostState out;
  for (const contract::DownReport& down : report.down())
    if (down.state() == contract::DownReport::DOWN &&
        std::find(out.down.begin(), out.down.end(), down.service()) == out.down.end())
      out.down.push_back(down.service());
  const auto& faults = report.faults();
  const auto in_force = [&](const contract::FaultReport& fault) {
    return now >= fault.start_unix_ns() && now < fault.end_unix_ns();
  };
  if (report.lifted())
    out.state = "over";
  else if (faults.empty())
    out.state = "watching";
  else if (report.t0_unix_ns() == 0)
    out.state = "armed";
  else if (std::any_of(faults.begin(), faults.end(), in_force))
    out.state = "fired";
  else if (std::all_of(faults.begin(), faults.end(),
                       [&](const contract::FaultReport& fault) { return now >= fault.end_unix_ns(); }))
    out.state = "over";
  else
    out.state = "armed";
  return out;
}

}  // namespace blackstart::cli
