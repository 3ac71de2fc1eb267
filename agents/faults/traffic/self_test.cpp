// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/self_test.h"

#include <bpf/bpf.h>
#include <linux/pkt_cls.h>

#include "agents/kernel/kernel_error.h"

namespace blackstart {
namespace {

Result<bool> passes(const Datapath& datapath, const TestPacket& packet, LinkLayer layer, Hook hook) {
  const std::vector<uint8_t> bytes = bytes_of(packet, layer, hook);
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = bytes.data(),
              .data_size_in = static_cast<uint32_t>(bytes.size()));
  if (const int code = bpf_prog_test_run_opts(datapath.program(layer, hook), &options); code != 0)
    return kernel_refused(-code, "run", std::string(name(hook)) + " classifier");
  return options.retval == static_cast<uint32_t>(TC_ACT_UNSPEC);
}

}  // namespace

Result<> SelfTest::run(Datapath& datapath, const std::vector<Interface>& interfaces) const {
  const auto sender = TestSender::below_stack();
  if (!sender) return tl::unexpected(sender.error());
  datapath.set_testing(true);
  Result<> result;
  for (const LinkLayer layer : {LinkLayer::kEthernet, LinkLayer::kRaw})
    for (const Hook hook : kHooks)
      if (result) result = run_programs(datapath, layer, hook);
  for (const Interface& interface : interfaces)
    if (result && interface.up) result = test_egress(datapath, *sender, interface);
  datapath.set_testing(false);
  return result;
}

Result<> SelfTest::run_programs(const Datapath& datapath, LinkLayer layer, Hook hook) const {
  const std::string object = std::string(name(hook)) + " classifier";
  for (const TestPlan& plan : plans_) {
    const auto doomed = passes(datapath, plan.doomed, layer, hook);
    if (!doomed) return tl::unexpected(doomed.error());
    if (*doomed) return fail(ErrorKind::kInternal, "self-test of", object, 0, "it let a packet pass");
    for (const TestPacket& packet : plan.spared) {
      const auto spared = passes(datapath, packet, layer, hook);
      if (!spared) return tl::unexpected(spared.error());
      if (!*spared)
        return fail(ErrorKind::kInternal, "self-test of", object, 0,
                    "it dropped a packet of protected port " + std::to_string(packet.port.port));
    }
  }
  return {};
}

Result<> SelfTest::test_egress(const Datapath& datapath, const TestSender& sender,
                               const Interface& interface) const {
  for (const TestPlan& plan : plans_) {
    const auto before = datapath.tested(Hook::kEgress);
    if (!before) return tl::unexpected(before.error());
    if (auto ok = sender.send_out_of(interface, plan.doomed); !ok) return ok;
    const auto now = datapath.tested(Hook::kEgress);
    if (!now) return tl::unexpected(now.error());
    if (*now == *before)
      return fail(
          ErrorKind::kInternal, "self-test at egress of", interface.name, 0,
          std::string("an ") + (plan.doomed.v6 ? "IPv6" : "IPv4") +
              " packet got past the classifier; see which programs stand before it: tc filter show dev " +
              interface.name + " egress; bpftool net");
  }
  return {};
}

}  // namespace blackstart
