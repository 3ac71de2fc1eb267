// SPDX-License-Identifier: Apache-2.0
// One nftables table that goes with its owner: the kernel deletes it when the socket that made it
// closes (`flags owner`), and lets nobody else change it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agents/contract/ip.h"
#include "agents/contract/result.h"
#include "agents/kernel/hook.h"
#include "agents/kernel/netlink.h"
#include "agents/kernel/nft_rule.h"

namespace blackstart {

class NftTable {
 public:
  enum class Family { kNetdev, kInet };
  enum class Place { kInput, kForward, kOutput };  // of family inet
  struct Range {
    Address first, last;  // inclusive
  };
  struct Count {
    uint64_t packets = 0, bytes = 0;
  };

  // Creates the table, empty. kMissing where the kernel has no nftables or no owner flag.
  static Result<NftTable> make(const std::string& name, Family family = Family::kNetdev);

  // These are collected; commit() applies all of them or none. What a rule names must be added
  // before it. Of the chains at one place the lower priority runs first.
  void add_device_chain(const std::string& chain, const std::string& device, Hook hook, int priority);
  void add_base_chain(const std::string& chain, Place place, int priority);
  void add_chain(const std::string& chain);
  // Ranges of one family, disjoint and not touching.
  void add_set(const std::string& set, bool v6, const std::vector<Range>& ranges);
  // Numbers, each with a time after which the kernel forgets it. `by_rules`: rules add them too.
  void add_timed_set(const std::string& set, bool by_rules);
  void add_rule(const NftRule& rule);
  // A number in a timed set. Kernels before 6.12 keep the old time of one that is there: remove it in
  // the same commit, which fails with ENOENT if it is not there (any more).
  void put(const std::string& set, uint32_t number, uint64_t timeout_ms);
  void remove(const std::string& set, uint32_t number);
  [[nodiscard]] Result<> commit();

  // What each chain's counting rules counted, in the order of the rules.
  [[nodiscard]] Result<std::map<std::string, std::vector<Count>>> counts();
  // The numbers in a timed set and how many milliseconds each has left.
  [[nodiscard]] Result<std::map<uint32_t, uint64_t>> numbers(const std::string& set);
  // Deletes the table; idempotent. Closing the socket does the same.
  [[nodiscard]] Result<> revert();

 private:
  NftTable(Netlink socket, std::string name, Family family);
  // Appends a message that `build` writes behind the header.
  void append(uint16_t type, uint16_t flags, const std::function<void(nlmsghdr*)>& build);
  void change(uint16_t type, const std::string& set, uint32_t number, uint64_t timeout_ms);
  void add_base(const std::string& chain, uint32_t hook, int priority, const std::string& device);

  Netlink socket_;
  std::string name_;
  uint16_t family_;  // NFPROTO_*
  std::vector<char> pending_;
  uint32_t sets_ = 0;
  bool exists_ = false;
};

}  // namespace blackstart
