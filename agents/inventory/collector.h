// SPDX-License-Identifier: Apache-2.0
// How the lists of one snapshot are filled.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>

#include "agents/contract/result.h"
#include "agents/inventory/inventory.h"

namespace blackstart {

// "process 4711 (blackstart-agen)", as Item::holder says it.
std::string process_text(pid_t pid);

class Collector {
 public:
  using Add = std::function<void(Item)>;  // the kind is filled in
  using Lister = std::function<Result<>(const Add&)>;

  explicit Collector(const Scope& scope);

  // Lists one kind, once more when it changed meanwhile (EINTR), and keeps what was found or why not.
  void list(const std::string& kind, const Lister& lister);
  [[nodiscard]] Snapshot take();  // once

  [[nodiscard]] const Scope& scope() const { return scope_; }
  // The command as it works from outside this network namespace.
  [[nodiscard]] std::string here(const std::string& command) const { return netns_prefix_ + command; }

  // The process that holds a BPF object of ours, as Item::holder says it.
  [[nodiscard]] std::string program_holder(uint32_t id) const { return found(programs_, id); }
  [[nodiscard]] std::string map_holder(uint32_t id) const { return found(maps_, id); }
  [[nodiscard]] std::string link_holder(uint32_t id) const { return found(links_, id); }

 private:
  using Holders = std::map<uint32_t, std::string>;
  static std::string found(const Holders& holders, uint32_t id);

  const Scope& scope_;
  std::string netns_prefix_;
  Holders programs_, maps_, links_;
  Snapshot snapshot_;
};

// The parts of a snapshot.
void collect_network(Collector& collector);    // interfaces, addresses, routes, rules, qdiscs, filters, nft
void collect_cgroups(Collector& collector);    // cgroups and stopped processes
void collect_held_bpf(Collector& collector);   // what the caller itself holds
void collect_bpf_by_id(Collector& collector);  // what anybody holds
void collect_machine(Collector& collector);    // units, mounts, namespaces, pins

}  // namespace blackstart
