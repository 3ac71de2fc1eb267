// SPDX-License-Identifier: Apache-2.0
// Making and removing network namespaces with a name, as `ip netns` knows them (/run/netns/NAME);
// netns.h enters them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/kernel/fd.h"

namespace blackstart {

[[nodiscard]] bool netns_exists(const std::string& name);

// Makes a namespace with loopback down and nothing else in it. On failure no name is left behind;
// EEXIST when the name is taken.
[[nodiscard]] Result<> create_netns(const std::string& name);

// Takes the name away; the namespace ends with its last process. A name that does not exist is fine.
[[nodiscard]] Result<> remove_netns(const std::string& name);

// A path will do.
[[nodiscard]] Result<Fd> open_netns(const std::string& name);

// All of them, sorted.
[[nodiscard]] std::vector<std::string> named_netns();

// The name of the namespace the calling thread stands in; "": it has none.
[[nodiscard]] std::string own_netns_name();

struct LivingNetns {
  std::string name;  // "": it has none
  std::string
      way_in;  // before a command: "ip netns exec NAME ", "nsenter --net=/proc/PID/ns/net "; "": not needed
};
// The network namespace with this inode, if one lives.
[[nodiscard]] std::optional<LivingNetns> living_netns(uint64_t inode);

}  // namespace blackstart
