// SPDX-License-Identifier: Apache-2.0
// What a fault injector could leave on a host, listed, and told apart from what others do there.
//
//   const Snapshot before = take(scope);
//   ... faults come and go ...
//   for (const Change& change : diff(before, take(scope))) ...
//
// Ours is what bears our name (kOurName) or stands in the agent's journal; nothing else ever is. What
// changes by itself (counters, neighbours, lifetimes, elements of dynamic sets, processes that run) is
// not looked at. Everything is asked of the kernel directly; nothing is changed, no program is run.
//
// Without CAP_SYS_ADMIN BPF programs on TCX have no name, and what stands on no interface is not seen
// unless the caller holds it itself; the other kinds need CAP_NET_ADMIN, or nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"

namespace blackstart {

// How everything of ours in the kernel begins.
inline constexpr const char* kOurName = "blackstart";
bool bears_our_name(const std::string& name);

// Where to look. The calling thread's network namespace always is looked at.
struct Scope {
  // The cgroup below which cgroups and stopped processes are looked for; "": the whole hierarchy.
  std::optional<std::string> cgroup;
  // Also mounts, systemd's runtime units, /etc/netns, named network namespaces, pinned BPF objects.
  bool machine = false;
  // Of BPF programs, maps and links: those the caller itself holds, all of the machine (which needs
  // CAP_SYS_ADMIN), or none.
  enum class Bpf { kHeld, kById, kNone };
  Bpf bpf = Bpf::kHeld;
  // Say which live process other than the caller holds an object of ours.
  bool holders = false;
  // Leave out what cannot bear a name (addresses, routes, rules) and contents: cheap on any host.
  bool only_named = false;
  // What the journal says is not taken back yet.
  std::vector<contract::Step> steps;
};

// The scope of an agent, who looks at its own host: the machine, or, in a lab, the cgroup above its own.
Scope scope_of_agent(bool lab);

struct Item {
  std::string kind;    // "nft-table", "route", "tc-filter"
  std::string object;  // names it among its kind: "inet filter"
  std::string detail;  // what else is known: "3 chains, 12 rules, digest 01ab"
  bool ours = false;
  std::string remove;  // the command that takes it away; "": it goes with what holds it
  std::string holder;  // the live process that holds it; "": nobody, or not asked for
};

struct Snapshot {
  struct Kind {
    uint64_t count = 0;
    uint64_t digest = 0;  // of all objects in any order
    bool named = true;    // false: too many to keep; of these only ours are among the items
    std::string gap;      // why they could not be listed; the rest then means nothing
  };
  std::map<std::string, Kind> kinds;
  std::vector<Item> items;  // sorted by kind, object and detail
};

// More objects of one kind than this are counted and digested, not kept.
inline constexpr uint64_t kMostKept = 4096;

[[nodiscard]] Snapshot take(const Scope& scope);

struct Change {
  enum class Turn { kAppeared, kVanished, kChanged };
  Turn turn = Turn::kAppeared;
  Item item;           // as it is now, or was last
  std::string before;  // the detail it had, when it changed
};

// Sorted as items are. A kind that either side could not list is not compared.
[[nodiscard]] std::vector<Change> diff(const Snapshot& before, const Snapshot& after);

// What is ours and nobody holds, one line each: "nft-table inet blackstart_x; remove it with: nft …".
// A kind that could not be listed is a line too: unknown is not clean.
[[nodiscard]] std::vector<std::string> residue_lines(const Snapshot& snapshot);

void to_wire(const Change& change, contract::Residue* out);

}  // namespace blackstart
