// SPDX-License-Identifier: Apache-2.0
// Hosts that stand there already, started by somebody else: found and checked, never changed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include <tl/expected.hpp>

#include "agents/contract/result.h"
#include "agents/language/problem.h"
#include "injector/topology/topology.h"

namespace blackstart::lab {

struct AttachedNetns {
  std::string path;
  uint64_t inode = 0;  // tells it from a later namespace at the same path
};

using Attachments = std::map<std::string, AttachedNetns>;  // by host

// The number of a container's first process. kMissing: nobody can be asked.
using ContainerPid = std::function<Result<int>(const std::string& container)>;

// The network namespace of every attached host. All problems are reported, where the topology says
// `attach`: what is not there, what is the machine's own network (kRefused), two hosts in one
// namespace, and addresses of the topology that are not on an interface there. Needs root.
[[nodiscard]] tl::expected<Attachments, Problems> find_attached(const Topology& topology,
                                                                const ContainerPid& container_pid);

}  // namespace blackstart::lab
