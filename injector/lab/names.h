// SPDX-License-Identifier: Apache-2.0
// Names inside a lab, as the files a resolver reads. Pure text.
#pragma once

#include <string>

#include "injector/topology/topology.h"

namespace blackstart::lab {

// "ADDRESS NAME..." for every host: NAME and NAME.lab.
[[nodiscard]] std::string host_names(const Topology& topology);
// The same for the services (SERVICE.lab: all instances) and the lab's further names.
[[nodiscard]] std::string service_names(const Topology& topology);

// Whether the lab runs its own name servers; then only host names stand in /etc/hosts.
[[nodiscard]] bool runs_dns(const Topology& topology);
// The whole of /etc/hosts, the same on every host.
[[nodiscard]] std::string hosts_file(const Topology& topology);
// The whole of /etc/resolv.conf for the hosts of a site: the lab's name servers, those of the own
// site first, at most three (a resolver reads no more).
[[nodiscard]] std::string resolv_conf(const Topology& topology, const std::string& site);

}  // namespace blackstart::lab
