// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/net_objects.h"

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "agents/contract/ip.h"
#include "agents/kernel/digest.h"
#include "agents/kernel/interfaces.h"
#include "agents/kernel/kernel_error.h"
#include "agents/kernel/netlink.h"

namespace blackstart {
namespace {

using Names = std::map<uint32_t, std::string>;

Result<Names> interface_names() {
  const auto all = interfaces();
  if (!all) return tl::unexpected(all.error());
  Names names;
  for (const Interface& one : *all) names[static_cast<uint32_t>(one.index)] = one.name;
  return names;
}

std::string named(const Names& names, uint32_t index) {
  const auto found = names.find(index);
  return found == names.end() ? "if" + std::to_string(index) : found->second;
}

// Asks for all objects of one kind; `Header` is the fixed part of question and answers.
template <typename Header>
Result<> dump(uint16_t question, uint16_t answer_type, int family, const std::string& what,
              const std::function<void(const Header&, const nlmsghdr*)>& each) {
  auto socket = Netlink::make(NETLINK_ROUTE);
  if (!socket) return tl::unexpected(socket.error());
  NetlinkBuffer buffer = netlink_buffer();
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = question;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  // The family is the first byte of each of these headers.
  *static_cast<uint8_t*>(mnl_nlmsg_put_extra_header(message, sizeof(Header))) = static_cast<uint8_t>(family);
  const int code = socket->ask(message, [&](const nlmsghdr* answer) {
    if (answer->nlmsg_type == answer_type)
      each(*static_cast<const Header*>(mnl_nlmsg_get_payload(answer)), answer);
  });
  if (code == EOPNOTSUPP || code == EAFNOSUPPORT) return {};  // the kernel has no such thing
  if (code != 0) return kernel_refused(code, "list", what);
  return {};
}

std::string address_text(const nlattr* attribute) {
  Address address;
  const size_t size = std::min<size_t>(mnl_attr_get_payload_len(attribute), address.bytes.size());
  address.v6 = size == 16;
  std::memcpy(address.bytes.data(), mnl_attr_get_payload(attribute), size);
  return address.text();
}

std::string type_word(uint8_t type) {
  static const std::map<uint8_t, std::string> words{
      {RTN_LOCAL, "local "},         {RTN_BROADCAST, "broadcast "}, {RTN_ANYCAST, "anycast "},
      {RTN_MULTICAST, "multicast "}, {RTN_BLACKHOLE, "blackhole "}, {RTN_UNREACHABLE, "unreachable "},
      {RTN_PROHIBIT, "prohibit "},   {RTN_THROW, "throw "}};
  const auto found = words.find(type);
  return found == words.end() ? "" : found->second;
}

std::string next_hops(const nlattr* multipath, const Names& names) {
  std::string out;
  int left = mnl_attr_get_payload_len(multipath);
  for (const auto* hop = static_cast<const rtnexthop*>(mnl_attr_get_payload(multipath)); RTNH_OK(hop, left);
       left -= NLMSG_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
    out += " nexthop";
    const auto* attribute = reinterpret_cast<const nlattr*>(RTNH_DATA(hop));
    int size = hop->rtnh_len - static_cast<int>(sizeof(rtnexthop));
    for (; mnl_attr_ok(attribute, size); attribute = mnl_attr_next(attribute)) {
      if (mnl_attr_get_type(attribute) == RTA_GATEWAY) out += " via " + address_text(attribute);
      size -= MNL_ALIGN(attribute->nla_len);
    }
    out += " dev " + named(names, static_cast<uint32_t>(hop->rtnh_ifindex)) + " weight " +
           std::to_string(hop->rtnh_hops + 1);
  }
  return out;
}

NetObject read_route(const rtmsg& route, const nlmsghdr* answer, const Names& names) {
  std::string to = "default", via, device, hops, metric, source;
  each_attribute(answer, sizeof(rtmsg), [&](const nlattr* attribute) {
    switch (mnl_attr_get_type(attribute)) {
      case RTA_DST:
        to = address_text(attribute) + "/" + std::to_string(route.rtm_dst_len);
        break;
      case RTA_GATEWAY:
        via = " via " + address_text(attribute);
        break;
      case RTA_OIF:
        device = " dev " + named(names, mnl_attr_get_u32(attribute));
        break;
      case RTA_MULTIPATH:
        hops = next_hops(attribute, names);
        break;
      case RTA_PRIORITY:
        metric = " metric " + std::to_string(mnl_attr_get_u32(attribute));
        break;
      case RTA_PREFSRC:
        source = " src " + address_text(attribute);
        break;
      default:
        break;
    }
  });
  return {type_word(route.rtm_type) + to + via + device + metric + hops,
          "proto " + std::to_string(route.rtm_protocol) + source};
}

uint32_t table_of(uint8_t small, const nlmsghdr* answer, uint16_t type, size_t header) {
  uint32_t table = small;
  each_attribute(answer, header, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) == type) table = mnl_attr_get_u32(attribute);
  });
  return table;
}

std::string hex(uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", value);
  return text;
}

std::string action_text(const fib_rule_hdr& rule, uint32_t table) {
  switch (rule.action) {
    case FR_ACT_TO_TBL:
      return "lookup " + std::to_string(table);
    case FR_ACT_BLACKHOLE:
      return "blackhole";
    case FR_ACT_UNREACHABLE:
      return "unreachable";
    case FR_ACT_PROHIBIT:
      return "prohibit";
    default:
      return "nop";
  }
}

NetObject read_rule(const fib_rule_hdr& rule, const nlmsghdr* answer) {
  std::string from = "all", to, mark, mask, devices, detail;
  uint32_t priority = 0;
  each_attribute(answer, sizeof(fib_rule_hdr), [&](const nlattr* attribute) {
    switch (mnl_attr_get_type(attribute)) {
      case FRA_SRC:
        from = address_text(attribute) + "/" + std::to_string(rule.src_len);
        break;
      case FRA_DST:
        to = " to " + address_text(attribute) + "/" + std::to_string(rule.dst_len);
        break;
      case FRA_PRIORITY:
        priority = mnl_attr_get_u32(attribute);
        break;
      case FRA_FWMARK:
        mark = " fwmark " + hex(mnl_attr_get_u32(attribute));
        break;
      case FRA_FWMASK:
        mask = "/" + hex(mnl_attr_get_u32(attribute));
        break;
      case FRA_IIFNAME:
        devices += std::string(" iif ") + mnl_attr_get_str(attribute);
        break;
      case FRA_OIFNAME:
        devices += std::string(" oif ") + mnl_attr_get_str(attribute);
        break;
      case FRA_TABLE:
      case FRA_SUPPRESS_PREFIXLEN:
      case FRA_PROTOCOL:
        break;
      default:  // what else it selects by
        detail += " " + std::to_string(mnl_attr_get_type(attribute)) + ":" +
                  digest_text(digest({static_cast<const char*>(mnl_attr_get_payload(attribute)),
                                      mnl_attr_get_payload_len(attribute)}));
    }
  });
  const uint32_t table = table_of(rule.table, answer, FRA_TABLE, sizeof(fib_rule_hdr));
  return {"priority " + std::to_string(priority) + (rule.flags & FIB_RULE_INVERT ? " not" : "") + " from " +
              from + to + (mark.empty() ? "" : mark + mask) + devices + " " + action_text(rule, table),
          detail.empty() ? "" : detail.substr(1)};
}

std::string handle_text(uint32_t handle) {
  char text[24];
  std::snprintf(text, sizeof text, "%x:%x", TC_H_MAJ(handle) >> 16, TC_H_MIN(handle));
  return text;
}

}  // namespace

Result<> each_address(const EachNetObject& each) {
  const auto names = interface_names();
  if (!names) return tl::unexpected(names.error());
  return dump<ifaddrmsg>(
      RTM_GETADDR, RTM_NEWADDR, AF_UNSPEC, "addresses", [&](const ifaddrmsg& info, const nlmsghdr* answer) {
        if (info.ifa_family == AF_INET6 && info.ifa_scope == RT_SCOPE_LINK) return;
        std::string local, address;
        each_attribute(answer, sizeof(ifaddrmsg), [&](const nlattr* attribute) {
          if (mnl_attr_get_type(attribute) == IFA_LOCAL) local = address_text(attribute);
          if (mnl_attr_get_type(attribute) == IFA_ADDRESS) address = address_text(attribute);
        });
        const std::string peer = local.empty() || local == address ? "" : " peer " + address;
        each({(local.empty() ? address : local) + peer + "/" + std::to_string(info.ifa_prefixlen) + " dev " +
                  named(*names, info.ifa_index),
              ""});
      });
}

Result<> each_route(bool v6, const EachNetObject& each) {
  const auto names = interface_names();
  if (!names) return tl::unexpected(names.error());
  return dump<rtmsg>(RTM_GETROUTE, RTM_NEWROUTE, v6 ? AF_INET6 : AF_INET, "routes",
                     [&](const rtmsg& route, const nlmsghdr* answer) {
                       if (route.rtm_flags & RTM_F_CLONED || route.rtm_protocol == RTPROT_KERNEL) return;
                       const uint32_t table = table_of(route.rtm_table, answer, RTA_TABLE, sizeof(rtmsg));
                       if (table == RT_TABLE_LOCAL) return;
                       NetObject object = read_route(route, answer, *names);
                       if (table != RT_TABLE_MAIN) object.object += " table " + std::to_string(table);
                       each(std::move(object));
                     });
}

Result<> each_rule(bool v6, const EachNetObject& each) {
  return dump<fib_rule_hdr>(
      RTM_GETRULE, RTM_NEWRULE, v6 ? AF_INET6 : AF_INET, "routing rules",
      [&](const fib_rule_hdr& rule, const nlmsghdr* answer) { each(read_rule(rule, answer)); });
}

Result<> each_qdisc(const EachNetObject& each) {
  const auto names = interface_names();
  if (!names) return tl::unexpected(names.error());
  return dump<tcmsg>(
      RTM_GETQDISC, RTM_NEWQDISC, AF_UNSPEC, "qdiscs", [&](const tcmsg& qdisc, const nlmsghdr* answer) {
        std::string kind, options;
        each_attribute(answer, sizeof(tcmsg), [&](const nlattr* attribute) {
          if (mnl_attr_get_type(attribute) == TCA_KIND) kind = mnl_attr_get_str(attribute);
          if (mnl_attr_get_type(attribute) == TCA_OPTIONS && mnl_attr_get_payload_len(attribute) > 0)
            options =
                " options " + digest_text(digest({static_cast<const char*>(mnl_attr_get_payload(attribute)),
                                                  mnl_attr_get_payload_len(attribute)}));
        });
        const std::string where = qdisc.tcm_parent == TC_H_ROOT ? "root"
                                  : qdisc.tcm_parent == TC_H_INGRESS
                                      ? kind  // clsact, or ingress
                                      : "parent " + handle_text(qdisc.tcm_parent);
        each({"dev " + named(*names, static_cast<uint32_t>(qdisc.tcm_ifindex)) + " " + where,
              kind + " " + handle_text(qdisc.tcm_handle) + options});
      });
}

}  // namespace blackstart
