// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace blackstart {

// Where a packet program stands on an interface.
enum class Hook { kIngress = 0, kEgress = 1 };
inline constexpr Hook kHooks[] = {Hook::kIngress, Hook::kEgress};
inline const char* name(Hook hook) {
  return hook == Hook::kIngress ? "ingress" : "egress";
}

// What a packet starts with there.
enum class LinkLayer {
  kEthernet,
  kRaw,    // the IP header itself: tun, ipip, sit, wireguard
  kOther,  // nothing the classifier can read
};

}  // namespace blackstart
