// SPDX-License-Identifier: Apache-2.0
// One nftables table of family netdev that goes with its owner: the kernel deletes it when the
// socket that made it closes (`flags owner`), and lets nobody else change it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agents/contract/ip.h"
#include "agents/contract/result.h"
#include "agents/kernel/netlink.h"
#include "agents/kernel/nft_rule.h"

namespace blackstart {

class NftTable {
 public:
  struct Range {
    Address first, last;  // inclusive
  };

  // Creates the table, empty. kMissing where the kernel has no nftables or no owner flag.
  static Result<NftTable> make(const std::string& name);

  // These are collected; commit() applies all of them or none. What a rule names must be added
  // before it.
  void add_ingress_chain(const std::string& chain, const std::string& device);
  void add_chain(const std::string& chain);
  // Ranges of one family, disjoint and not touching.
  void add_set(const std::string& set, bool v6, const std::vector<Range>& ranges);
  void add_rule(const NftRule& rule);
  [[nodiscard]] Result<> commit();

  // Packets counted by the rules of each chain that has counting rules.
  [[nodiscard]] Result<std::map<std::string, uint64_t>> packets();
  // Deletes the table; idempotent. Closing the socket does the same.
  [[nodiscard]] Result<> revert();

 private:
  NftTable(Netlink socket, std::string name) : socket_(std::move(socket)), name_(std::move(name)) {}
  // Appends a message that `build` writes behind the header.
  void append(uint16_t type, uint16_t flags, const std::function<void(nlmsghdr*)>& build);

  Netlink socket_;
  std::string name_;
  std::vector<char> pending_;
  uint32_t sets_ = 0;
  bool exists_ = false;
};

}  // namespace blackstart
