// SPDX-License-Identifier: Apache-2.0
// What this kernel and this user can do, found by doing it, never by version.
#pragma once

#include <string>
#include <vector>

namespace blackstart {

struct Feature {
  std::string name;
  bool available = false;
  std::string reason;  // what was tried and how it ended
  std::string hint;    // what to install or enable; "" when available
};

using FeatureReport = std::vector<Feature>;

// Attaches a program that lets everything pass to lo, and takes it off again.
Feature probe_tcx();
// In a network namespace of their own, where they disturb nobody; that needs CAP_SYS_ADMIN.
Feature probe_clsact();
Feature probe_nft_netdev();  // ingress, for counting
Feature probe_nft_egress();  // egress, for dropping
Feature probe_nft_inet();    // for answering

}  // namespace blackstart
