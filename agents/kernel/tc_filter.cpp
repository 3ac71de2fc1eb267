// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/tc_filter.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <utility>

#include "agents/kernel/kernel_error.h"

namespace blackstart {
namespace {

// Not 1, which is what others take by default: one priority holds many handles, the newest first.
constexpr uint32_t kHandle = 0xb1ac;
constexpr uint32_t kPriority = 1;

bpf_tc_hook clsact_hook(int index, int points) {
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = index;
  hook.attach_point = static_cast<bpf_tc_attach_point>(points);
  return hook;
}

int point(Hook hook) {
  return hook == Hook::kIngress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

// Removes what stands at (priority, handle); gone already is fine.
int remove_filter(int index, Hook hook, uint32_t handle, uint32_t priority) {
  const bpf_tc_hook where = clsact_hook(index, point(hook));
  LIBBPF_OPTS(bpf_tc_opts, options, .handle = handle, .priority = priority);
  const int code = -bpf_tc_detach(&where, &options);
  return code == ENOENT || code == ENODEV || code == EINVAL ? 0 : code;
}

}  // namespace

Result<ClsactQdisc> ClsactQdisc::make(const Interface& interface) {
  bpf_tc_hook where = clsact_hook(interface.index, BPF_TC_INGRESS | BPF_TC_EGRESS);
  const int code = -bpf_tc_hook_create(&where);
  if (code == 0 || code == EEXIST) return ClsactQdisc(interface, code == 0);
  return kernel_refused(code, "add qdisc clsact to", interface.name,
                        code == ENOENT ? "load module sch_ingress" : "");
}

Result<bool> clsact_stands(int interface_index) {
  auto socket = Netlink::make(NETLINK_ROUTE);
  if (!socket) return tl::unexpected(socket.error());
  NetlinkBuffer buffer = netlink_buffer();
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_GETQDISC;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_ECHO;  // older kernels answer by an echo
  auto* request = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(tcmsg)));
  request->tcm_family = AF_UNSPEC;
  request->tcm_ifindex = interface_index;
  request->tcm_parent = TC_H_CLSACT;
  bool stands = false;
  const int code =
      socket->ask(message, [&](const nlmsghdr* answer) { stands |= answer->nlmsg_type == RTM_NEWQDISC; });
  // ENOENT: none ever stood there; EINVAL: one did.
  if (code == 0 || code == ENOENT || code == EINVAL) return stands;
  return kernel_refused(code, "look for qdisc clsact of interface", std::to_string(interface_index));
}

ClsactQdisc::ClsactQdisc(ClsactQdisc&& other) noexcept
    : interface_(other.interface_), made_(std::exchange(other.made_, false)) {}

Result<> ClsactQdisc::revert() {
  if (!made_) return {};
  if (auto ok = remove_unused_clsact(interface_.index); !ok) return tl::unexpected(ok.error());
  made_ = false;
  return {};
}

Result<TcFilter> TcFilter::make(int program_fd, const Interface& interface, Hook hook) {
  const bpf_tc_hook where = clsact_hook(interface.index, point(hook));
  LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program_fd, .handle = kHandle, .priority = kPriority);
  const int code = -bpf_tc_attach(&where, &options);
  if (code == 0) return TcFilter(interface, hook);
  std::string hint;
  if (code == EEXIST) hint = "a dead agent's filter stands there; the agent sweeps it when it starts";
  if (code == EINVAL)
    hint =
        "somebody else's filter may hold priority 1: tc filter show dev " + interface.name + " " + name(hook);
  return kernel_refused(code, std::string("attach filter to ") + name(hook) + " of", interface.name, hint);
}

TcFilter::TcFilter(TcFilter&& other) noexcept
    : interface_(other.interface_), hook_(other.hook_), attached_(std::exchange(other.attached_, false)) {}

Result<> TcFilter::revert() {
  if (!attached_) return {};
  if (const int code = remove_filter(interface_.index, hook_, kHandle, kPriority); code != 0)
    return fail(ErrorKind::kStranded, std::string("remove filter from ") + name(hook_) + " of",
                interface_.name, code);
  attached_ = false;
  return {};
}

Result<std::vector<FoundFilter>> tc_filters(int interface_index, Hook hook) {
  auto socket = Netlink::make(NETLINK_ROUTE);
  if (!socket) return tl::unexpected(socket.error());
  NetlinkBuffer buffer = netlink_buffer();
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_GETTFILTER;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  auto* request = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(tcmsg)));
  request->tcm_family = AF_UNSPEC;
  request->tcm_ifindex = interface_index;
  request->tcm_parent = TC_H_MAKE(TC_H_CLSACT, hook == Hook::kIngress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
  std::vector<FoundFilter> out;
  const int code = socket->ask(message, [&](const nlmsghdr* answer) {
    if (answer->nlmsg_type != RTM_NEWTFILTER) return;
    const auto* filter = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(answer));
    if (filter->tcm_handle == 0) return;  // the priority itself
    FoundFilter found{.handle = filter->tcm_handle,
                      .priority = static_cast<uint16_t>(TC_H_MAJ(filter->tcm_info) >> 16),
                      .protocol = ntohs(static_cast<uint16_t>(TC_H_MIN(filter->tcm_info)))};
    each_attribute(answer, sizeof(tcmsg), [&](const nlattr* attribute) {
      if (mnl_attr_get_type(attribute) == TCA_KIND) found.kind = mnl_attr_get_str(attribute);
      if (mnl_attr_get_type(attribute) != TCA_OPTIONS) return;
      each_attribute(attribute, [&](const nlattr* option) {
        if (found.kind != "bpf") return;
        if (mnl_attr_get_type(option) == TCA_BPF_NAME) found.name = mnl_attr_get_str(option);
        if (mnl_attr_get_type(option) == TCA_BPF_ID) found.program_id = mnl_attr_get_u32(option);
      });
    });
    out.push_back(found);
  });
  if (code != 0 && code != EINVAL && code != ENOENT && code != ENODEV)
    return kernel_refused(code, std::string("list filters at ") + name(hook) + " of interface",
                          std::to_string(interface_index));
  return out;
}

Result<int> remove_filters(int interface_index, const NameTest& ours) {
  int removed = 0;
  for (const Hook hook : kHooks) {
    const auto filters = tc_filters(interface_index, hook);
    if (!filters) return tl::unexpected(filters.error());
    for (const FoundFilter& filter : *filters) {
      if (!ours(filter.program())) continue;
      if (const int code = remove_filter(interface_index, hook, filter.handle, filter.priority); code != 0)
        return fail(ErrorKind::kStranded, "remove filter " + filter.name + " of interface",
                    std::to_string(interface_index), code);
      ++removed;
    }
  }
  return removed;
}

Result<bool> remove_unused_clsact(int interface_index) {
  for (const Hook hook : kHooks) {
    const auto filters = tc_filters(interface_index, hook);
    if (!filters) return tl::unexpected(filters.error());
    if (!filters->empty()) return false;
  }
  bpf_tc_hook where = clsact_hook(interface_index, BPF_TC_INGRESS | BPF_TC_EGRESS);
  const int code = -bpf_tc_hook_destroy(&where);
  if (code == ENOENT || code == ENODEV || code == EINVAL) return false;
  if (code != 0)
    return fail(ErrorKind::kStranded, "remove qdisc clsact of interface", std::to_string(interface_index),
                code);
  return true;
}

}  // namespace blackstart
