// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/features.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sched.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>

#include "agents/kernel/fd.h"
#include "agents/kernel/interfaces.h"
#include "agents/kernel/kernel_error.h"
#include "agents/kernel/nft_table.h"
#include "agents/kernel/tc_filter.h"
#include "agents/kernel/tcx_link.h"

namespace blackstart {
namespace {

Result<Fd> load_pass_all() {
  const bpf_insn program[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1},
      {.code = BPF_JMP | BPF_EXIT},
  };
  Fd fd(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "blackstart_prob", "Dual BSD/GPL", program, std::size(program),
                      nullptr));
  if (!fd.valid()) return kernel_refused(errno, "load", "a BPF program");
  return fd;
}

Result<Interface> loopback() {
  const auto all = interfaces();
  if (!all) return tl::unexpected(all.error());
  for (const Interface& one : *all)
    if (one.loopback) return one;
  return fail(ErrorKind::kMissing, "find", "lo");
}

// In a thread, since only it then stands in the new namespace, which goes with it.
Result<> in_own_netns(const std::function<Result<>()>& probe) {
  Result<> result;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) != 0)
      result =
          kernel_refused(errno, "make", "a network namespace to try it in", "trying it needs CAP_SYS_ADMIN");
    else
      result = probe();
  }).join();
  return result;
}

Feature feature(std::string name, std::string tried, const Result<>& result, std::string hint) {
  if (result) return {std::move(name), true, std::move(tried), ""};
  if (!result.error().hint.empty()) hint = result.error().hint;
  return {std::move(name), false, result.error().message(), std::move(hint)};
}

}  // namespace

Feature probe_tcx() {
  const auto probe = []() -> Result<> {
    const auto lo = loopback();
    if (!lo) return tl::unexpected(lo.error());
    const auto program = load_pass_all();
    if (!program) return tl::unexpected(program.error());
    const auto link = TcxLink::make(program->get(), *lo, Hook::kIngress);
    if (!link) return tl::unexpected(link.error());
    return {};
  };
  return feature("tcx", "attached to lo and taken off", probe(), "Linux 6.6 or later with CONFIG_NET_XGRESS");
}

Feature probe_clsact() {
  const auto probe = []() -> Result<> {
    const auto lo = loopback();
    if (!lo) return tl::unexpected(lo.error());
    const auto program = load_pass_all();
    if (!program) return tl::unexpected(program.error());
    const auto qdisc = ClsactQdisc::make(*lo);
    if (!qdisc) return tl::unexpected(qdisc.error());
    const auto filter = TcFilter::make(program->get(), *lo, Hook::kIngress);
    if (!filter) return tl::unexpected(filter.error());
    return {};
  };
  return feature("clsact", "attached in a network namespace of its own", in_own_netns(probe),
                 "modules sch_ingress and cls_bpf");
}

Feature probe_nft_netdev() {
  const auto probe = []() -> Result<> {
    auto table = NftTable::make("blackstart_probe");
    if (!table) return tl::unexpected(table.error());
    table->add_timed_set("gate", false);
    table->add_device_chain("in", "lo", Hook::kIngress, 0);
    table->add_rule(NftRule("in").number_in_set(1, "gate").count());
    return table->commit();
  };
  return feature("nft-netdev", "counted at ingress of lo in a network namespace of its own",
                 in_own_netns(probe),
                 "modules nf_tables and nft_chain_filter_netdev (CONFIG_NF_TABLES_NETDEV)");
}

Feature probe_nft_egress() {
  const auto probe = []() -> Result<> {
    auto table = NftTable::make("blackstart_probe");
    if (!table) return tl::unexpected(table.error());
    table->add_timed_set("gate", true);
    table->add_device_chain("out", "lo", Hook::kEgress, 0);
    table->add_rule(NftRule("out").number_in_set(1, "gate").note(1, "gate", 1000, false).vanish());
    table->put("gate", 1, 1000);
    return table->commit();
  };
  return feature("nft-egress", "dropped at egress of lo in a network namespace of its own",
                 in_own_netns(probe), "Linux 5.17 or later, modules nf_tables and nft_fwd_netdev");
}

Feature probe_nft_inet() {
  const auto probe = []() -> Result<> {
    auto table = NftTable::make("blackstart_probe", NftTable::Family::kInet);
    if (!table) return tl::unexpected(table.error());
    table->add_base_chain("out", NftTable::Place::kOutput, 0);
    table->add_rule(NftRule("out").upper_protocol(6).reject(NftRule::Answer::kReset));
    table->add_rule(NftRule("out").reject(NftRule::Answer::kProhibited));
    return table->commit();
  };
  return feature("nft-inet", "rejected at output in a network namespace of its own", in_own_netns(probe),
                 "modules nf_tables and nft_reject_inet");
}

}  // namespace blackstart
