// SPDX-License-Identifier: Apache-2.0
// What this kernel and this user can inject, with which engine, and what to install. The agent itself
// tries the kernel: it is the one that must be able to.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include <nlohmann/json.hpp>

#include "injector/cli/capture.h"
#include "injector/cli/command.h"
#include "injector/record/outcome.h"
#include "injector/record/run_registry.h"

namespace blackstart::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

struct Finding {
  std::string what;
  bool well = false;
  std::string why, hint;
};

// The agent beside this program.
std::string agent_binary() {
  std::error_code code;
  return fs::read_symlink("/proc/self/exe", code).parent_path() / "blackstart-agent";
}

// [{name, available, reason, hint}] as `blackstart-agent --probe-features` prints it; discarded on failure.
json probe_kernel() {
  const auto printed = capture({agent_binary(), "--probe-features"});
  return printed ? json::parse(*printed, nullptr, false) : json(json::value_t::discarded);
}

Finding find_cgroup2() {
  std::ifstream mounts("/proc/mounts");
  for (std::string device, where, type, rest;
       mounts >> device >> where >> type && std::getline(mounts, rest);)
    if (type == "cgroup2") return {"cgroup v2", true, "mounted at " + where, ""};
  return {"cgroup v2", false, "not mounted", "mount -t cgroup2 none /sys/fs/cgroup"};
}

Finding find_lever() {
  const auto may_start = RunRegistry().may_start();
  if (may_start) return {"runs may start", true, "the lever is not engaged", ""};
  return {"runs may start", false, may_start.error().operation, may_start.error().hint};
}

const json* feature(const json& features, const std::string& name) {
  for (const json& candidate : features)
    if (candidate.value("name", "") == name) return &candidate;
  return nullptr;
}

}  // namespace

void declare_doctor(po::options_description&) {}

int run_doctor(const Invocation& invocation) {
  std::vector<Finding> findings;
  findings.push_back({"root", geteuid() == 0, geteuid() == 0 ? "yes" : "uid " + std::to_string(geteuid()),
                      geteuid() == 0 ? "" : "run as root"});
  findings.push_back(find_cgroup2());
  findings.push_back(find_lever());
  const json features = probe_kernel();
  if (!features.is_array())
    findings.push_back({"blackstart-agent", false, "does not run: " + agent_binary(),
                        "build or install it beside blackstart"});

  json engines = json::object();
  std::string chosen;
  for (const std::string attachment : {"tcx", "clsact"}) {
    const json* found = features.is_array() ? feature(features, attachment) : nullptr;
    const bool available = found && found->value("available", false);
    engines["ebpf/" + attachment] = available;
    if (available && chosen.empty()) chosen = "ebpf/" + attachment;
    findings.push_back({"ebpf/" + attachment, available, found ? found->value("reason", "") : "not tried",
                        found ? found->value("hint", "") : ""});
  }
  const json* leak = features.is_array() ? feature(features, "nft-netdev") : nullptr;
  const bool counts_leaks = leak && leak->value("available", false);
  findings.push_back({"nft netdev counters", counts_leaks, leak ? leak->value("reason", "") : "not tried",
                      leak ? leak->value("hint", "") : ""});

  const bool able = !chosen.empty() && counts_leaks && geteuid() == 0;
  json faults = json::object();
  for (const char* fault : {"site-blackhole", "partition", "storage-drop"})
    faults[fault] = able ? json(chosen) : json(nullptr);

  if (invocation.json) {
    json list = json::array();
    for (const Finding& finding : findings)
      list.push_back(
          {{"what", finding.what}, {"well", finding.well}, {"why", finding.why}, {"hint", finding.hint}});
    std::cout << json{{"kind", "Doctor"}, {"engines", engines}, {"faults", faults}, {"findings", list}}.dump(
                     2)
              << "\n";
    return able ? kExitPass : kExitMissing;
  }
  for (const Finding& finding : findings) {
    std::cout << (finding.well ? "  yes  " : "  NO   ") << finding.what
              << std::string(finding.what.size() < 22 ? 22 - finding.what.size() : 1, ' ') << finding.why
              << "\n";
    if (!finding.hint.empty()) std::cout << "       hint: " << finding.hint << "\n";
  }
  std::cout << "\n";
  for (const auto& [fault, engine] : faults.items())
    std::cout << "  " << fault << std::string(fault.size() < 22 ? 22 - fault.size() : 1, ' ')
              << (engine.is_null() ? std::string("cannot be injected here") : engine.get<std::string>())
              << "\n";
  return able ? kExitPass : kExitMissing;
}

}  // namespace blackstart::cli
