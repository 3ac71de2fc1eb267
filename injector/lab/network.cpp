// SPDX-License-Identifier: Apache-2.0
#include "injector/lab/network.h"

#include <cerrno>
#include <fstream>
#include <optional>

#include "agents/kernel/named_netns.h"
#include "agents/kernel/netns.h"
#include "agents/kernel/rtnetlink.h"

namespace blackstart::lab {
namespace {

// In the namespace of the calling thread. A kernel without IPv6 has no such file: fine until an
// IPv6 address is added.
Result<> set_sysctl(const std::string& name, const std::string& value) {
  const std::string path = "/proc/sys/net/" + name;
  std::ofstream file(path);
  if (!file) return {};
  if (!(file << value << std::flush)) return fail_errno(EIO, "write " + value + " to", path);
  return {};
}

// Runs `work` inside the namespace.
template <typename Work>
Result<> inside(const std::string& netns, const Work& work) {
  const auto scope = NetnsScope::enter(netns);
  if (!scope) return tl::unexpected(scope.error());
  return work();
}

// Runs the steps in order until one fails.
template <typename... Steps>
Result<> in_order(Steps&&... steps) {
  Result<> result;
  ((result = steps(), result.has_value()) && ...);
  return result;
}

// No duplicate address detection anywhere in the namespace, so that addresses work at once.
Result<> skip_address_detection() {
  return in_order([] { return set_sysctl("ipv6/conf/all/accept_dad", "0"); },
                  [] { return set_sysctl("ipv6/conf/default/accept_dad", "0"); });
}

Result<> make_site(Rtnetlink& wan, const SitePlan& site) {
  auto made = wan.add_bridge(site.bridge);
  for (auto gateway = site.gateways.begin(); made && gateway != site.gateways.end(); ++gateway)
    made = wan.add_address(site.bridge, gateway->address, gateway->length);
  return made;
}

Result<> configure_host(const HostPlan& host) {
  auto rtnetlink = Rtnetlink::open();
  if (!rtnetlink) return tl::unexpected(rtnetlink.error());
  auto made = in_order([&] { return rtnetlink->set_up("lo"); }, [&] { return rtnetlink->set_up("eth0"); });
  for (auto own = host.addresses.begin(); made && own != host.addresses.end(); ++own)
    made = rtnetlink->add_address("eth0", own->address, own->length);
  for (auto gateway = host.gateways.begin(); made && gateway != host.gateways.end(); ++gateway)
    made = rtnetlink->add_default_route(*gateway);
  return made;
}

Result<> make_host(Rtnetlink& wan, const HostPlan& host, const std::string& bridge) {
  if (auto made = create_netns(host.netns); !made) return made;
  const auto netns = open_netns(host.netns);
  if (!netns) return tl::unexpected(netns.error());
  return in_order([&] { return inside(host.netns, skip_address_detection); },
                  [&] { return wan.add_veth(host.port, "eth0", *netns); },
                  [&] { return wan.set_port_of(host.port, bridge); },
                  [&] { return inside(host.netns, [&] { return configure_host(host); }); });
}

}  // namespace

Result<> make_network(const Blueprint& blueprint) {
  if (blueprint.attached()) return {};
  std::optional<Rtnetlink> wan;
  auto made = in_order([&] { return create_netns(blueprint.wan_netns); },
                       [&] {
                         return inside(blueprint.wan_netns, [&]() -> Result<> {
                           auto opened = Rtnetlink::open();
                           if (!opened) return tl::unexpected(opened.error());
                           wan = std::move(*opened);
                           return in_order(
                               skip_address_detection, [&] { return wan->set_up("lo"); },
                               [] { return set_sysctl("ipv4/ip_forward", "1"); },
                               [] { return set_sysctl("ipv6/conf/all/forwarding", "1"); });
                         });
                       });
  for (auto site = blueprint.sites.begin(); made && site != blueprint.sites.end(); ++site)
    made = make_site(*wan, *site);
  for (auto host = blueprint.hosts.begin(); made && host != blueprint.hosts.end(); ++host)
    made = make_host(*wan, *host, blueprint.site(host->site)->bridge);
  return made;
}

Result<> remove_network(const Blueprint& blueprint) {
  if (blueprint.attached()) return {};
  Result<> result = remove_netns(blueprint.wan_netns);
  for (const HostPlan& host : blueprint.hosts)
    if (auto removed = remove_netns(host.netns); !removed) result = removed;
  return result;
}

std::string existing_namespace(const Blueprint& blueprint) {
  if (blueprint.attached()) return "";
  if (netns_exists(blueprint.wan_netns)) return blueprint.wan_netns;
  for (const HostPlan& host : blueprint.hosts)
    if (netns_exists(host.netns)) return host.netns;
  return "";
}

}  // namespace blackstart::lab
