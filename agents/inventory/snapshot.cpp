// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <tuple>

#include "agents/inventory/collector.h"
#include "agents/kernel/bpf_objects.h"
#include "agents/kernel/cgroup.h"
#include "agents/kernel/digest.h"
#include "agents/kernel/named_netns.h"
#include "agents/kernel/process_state.h"

namespace blackstart {
namespace {

constexpr int kAttempts = 10;

// What was found of one kind so far.
struct Found {
  Snapshot::Kind kind;
  std::vector<Item> items;

  void add(Item item) {
    ++kind.count;
    kind.digest += digest(item.object + "\n" + item.detail);
    if (kind.count == kMostKept + 1) {
      kind.named = false;
      std::erase_if(items, [](const Item& kept) { return !kept.ours; });
    }
    if (kind.named || item.ours) items.push_back(std::move(item));
  }
};

}  // namespace

std::string process_text(pid_t pid) {
  const auto process = process_state(pid);
  return "process " + std::to_string(pid) + (process ? " (" + process->name + ")" : "");
}

bool bears_our_name(const std::string& name) {
  return name.rfind(kOurName, 0) == 0;
}

Scope scope_of_agent(bool lab) {
  if (!lab) return {.cgroup = "", .machine = true};
  // In a lab the agent stands beside the services, in HOST/agent.
  return {.cgroup = std::filesystem::path(own_cgroup()).parent_path()};
}

Collector::Collector(const Scope& scope) : scope_(scope) {
  if (const std::string name = own_netns_name(); !name.empty()) netns_prefix_ = "ip netns exec " + name + " ";
  if (!scope.holders) return;
  for (const pid_t pid : all_processes()) {
    if (pid == ::getpid()) continue;
    const HeldBpf held = held_bpf(pid);
    if (held.programs.empty() && held.maps.empty() && held.links.empty()) continue;
    const std::string who = process_text(pid);
    for (const uint32_t id : held.programs) programs_[id] = who;
    for (const uint32_t id : held.maps) maps_[id] = who;
    for (const uint32_t id : held.links) links_[id] = who;
  }
}

std::string Collector::found(const Holders& holders, uint32_t id) {
  const auto holder = holders.find(id);
  return holder == holders.end() ? "" : holder->second;
}

void Collector::list(const std::string& kind, const Lister& lister) {
  Result<> listed;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Found found;
    listed = lister([&](Item item) {
      item.kind = kind;
      found.add(std::move(item));
    });
    if (listed) {
      snapshot_.kinds[kind] = found.kind;
      std::move(found.items.begin(), found.items.end(), std::back_inserter(snapshot_.items));
      return;
    }
    if (listed.error().code != EINTR) break;
  }
  snapshot_.kinds[kind].gap = listed.error().message();
}

Snapshot Collector::take() {
  std::sort(snapshot_.items.begin(), snapshot_.items.end(), [](const Item& a, const Item& b) {
    return std::tie(a.kind, a.object, a.detail) < std::tie(b.kind, b.object, b.detail);
  });
  return std::move(snapshot_);
}

Snapshot take(const Scope& scope) {
  Collector collector(scope);
  collect_network(collector);
  if (scope.cgroup) collect_cgroups(collector);
  if (scope.bpf == Scope::Bpf::kById) collect_bpf_by_id(collector);
  if (scope.bpf == Scope::Bpf::kHeld) collect_held_bpf(collector);
  if (scope.machine) collect_machine(collector);
  return collector.take();
}

}  // namespace blackstart
