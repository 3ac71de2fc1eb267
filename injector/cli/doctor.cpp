// SPDX-License-Identifier: Apache-2.0
// What this kernel and this user can inject, with which engine, and what to install. The agent itself
// tries the kernel: it is the one that must be able to.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iomanip>
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

// What the agent says of this machine's own configuration.
Finding find_configuration() {
  const auto checked = capture({agent_binary(), "--check"});
  if (!checked) return {"agent.yaml", false, "is not taken", "blackstart-agent --check"};
  const size_t line = checked->find('\n');
  std::string more = line == std::string::npos ? "" : checked->substr(line + 1);
  if (!more.empty() && more.back() == '\n') more.pop_back();
  return {"agent.yaml", true, checked->substr(0, line), more};
}

Finding find_lever() {
  const auto may_start = RunRegistry().may_start();
  if (may_start) return {"runs may start", true, "the lever is not engaged", ""};
  return {"runs may start", false, may_start.error().operation, may_start.error().hint};
}

struct Engine {
  const char* name;
  const char* feature;  // of the agent's probes
};
// In the order `auto` tries them.
constexpr Engine kEngines[] = {{"ebpf/tcx", "tcx"},
                               {"ebpf/clsact", "clsact"},
                               {"netfilter/netdev", "nft-egress"},
                               {"netfilter/inet", "nft-inet"}};

struct FaultManners {
  const char* kind;
  std::vector<const char*> manners;
};
const FaultManners kFaults[] = {{"site-blackhole", {"silent", "reset", "unreachable", "deny"}},
                                {"partition", {"silent", "reset", "unreachable", "deny"}},
                                {"storage-drop", {"silent", "reset"}}};

struct Choice {
  std::string fault, manner;
  std::string engine;  // "": none can
  std::string why;
};

// What `engine: auto` comes to.
Choice choose(const std::string& fault, const std::string& manner, const json& engines) {
  const auto has = [&](const char* engine) { return engines.value(engine, false); };
  if (manner != "silent")
    return has("netfilter/inet") ? Choice{fault, manner, "netfilter/inet", "only netfilter can answer"}
                                 : Choice{fault, manner, "", "the kernel refuses nftables with reject"};
  if (has("ebpf/tcx")) return {fault, manner, "ebpf/tcx", "goes with the agent, needs no qdisc"};
  if (has("ebpf/clsact")) return {fault, manner, "ebpf/clsact", "no TCX here"};
  if (has("netfilter/netdev")) return {fault, manner, "netfilter/netdev", "eBPF is refused here"};
  return {fault, manner, "", "neither eBPF nor nftables at egress"};
}

const json* feature(const json& features, const std::string& name) {
  if (!features.is_array()) return nullptr;
  for (const json& candidate : features)
    if (candidate.value("name", "") == name) return &candidate;
  return nullptr;
}

bool has_feature(const json& features, const std::string& name) {
  const json* found = feature(features, name);
  return found && found->value("available", false);
}

Finding finding_of(const std::string& what, const json* found) {
  if (!found) return {what, false, "not tried", ""};
  return {what, found->value("available", false), found->value("reason", ""), found->value("hint", "")};
}

std::vector<Finding> about_processes(const json& features) {
  std::vector<Finding> out{finding_of("hold-down at exec", feature(features, "exec-kill")),
                           finding_of("whole cgroups die", feature(features, "cgroup-kill")),
                           finding_of("sockets are ended", feature(features, "sock-destroy"))};
  if (out.front().well && !has_feature(features, "exec-deny"))
    out.front().why += "; this kernel lets no BPF program deny it, so a supervisor sees a death, not EPERM";
  return out;
}

// Of processes and power; a cut comes before a loss of power.
std::vector<Choice> choose_for_processes(const json& features, bool cuts) {
  const bool whole = has_feature(features, "cgroup-kill");
  const std::string held = has_feature(features, "exec-deny")   ? "ebpf/lsm"
                           : has_feature(features, "exec-kill") ? "ebpf/exec"
                                                                : "";
  const bool dark = cuts && whole && !held.empty() && has_feature(features, "sock-destroy");
  return {
      {"service-kill", "killed", whole ? "cgroup.kill" : "",
       whole ? "all of a service at once" : "no cgroup.kill here"},
      {"service-kill", "held-down", held,
       held.empty() ? "the kernel refuses a program at exec" : "a new one dies before its first instruction"},
      {"service-freeze", "frozen", whole ? "cgroup.freeze" : "",
       whole ? "its port accepts, nobody answers" : "no cgroup v2 here"},
      {"site-power-loss", "dark", dark ? held : "",
       dark ? "the cut first, then every process" : "needs the cut, hold-down and the end of sockets"}};
}

}  // namespace

void declare_doctor(po::options_description&) {}

int run_doctor(const Invocation& invocation) {
  std::vector<Finding> findings;
  findings.push_back({"root", geteuid() == 0, geteuid() == 0 ? "yes" : "uid " + std::to_string(geteuid()),
                      geteuid() == 0 ? "" : "run as root"});
  findings.push_back(find_cgroup2());
  findings.push_back(find_lever());
  findings.push_back(find_configuration());
  const json features = probe_kernel();
  if (!features.is_array())
    findings.push_back({"blackstart-agent", false, "does not run: " + agent_binary(),
                        "build or install it beside blackstart"});

  json engines = json::object();
  for (const Engine& engine : kEngines) {
    engines[engine.name] = has_feature(features, engine.feature);
    findings.push_back(finding_of(engine.name, feature(features, engine.feature)));
  }
  findings.push_back(finding_of("nft netdev counters", feature(features, "nft-netdev")));
  const bool counts_leaks = findings.back().well;
  for (Finding& finding : about_processes(features)) findings.push_back(std::move(finding));

  // Without the witness no cut can be shown to hold, so none is made.
  const bool may = counts_leaks && geteuid() == 0;
  std::vector<Choice> choices;
  for (const FaultManners& fault : kFaults)
    for (const char* manner : fault.manners)
      choices.push_back(choose(fault.kind, manner, may ? engines : json::object()));
  const bool cuts = may && (has_feature(features, "tcx") || has_feature(features, "clsact") ||
                            has_feature(features, "nft-egress"));
  for (Choice& choice : choose_for_processes(may ? features : json(), cuts))
    choices.push_back(std::move(choice));
  json faults = json::object();
  bool able = true;
  for (const Choice& choice : choices) {
    faults[choice.fault][choice.manner] = choice.engine.empty() ? json(nullptr) : json(choice.engine);
    able = able && (choice.manner != "silent" || !choice.engine.empty());
  }

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
  for (const Choice& choice : choices)
    std::cout << "  " << std::left << std::setw(16) << choice.fault << std::setw(13) << choice.manner
              << std::setw(18) << (choice.engine.empty() ? "cannot" : choice.engine) << choice.why << "\n";
  return able ? kExitPass : kExitMissing;
}

}  // namespace blackstart::cli
