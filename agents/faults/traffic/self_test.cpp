// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/self_test.h"

#include <bpf/bpf.h>

#include "agents/kernel/kernel_error.h"

namespace blackstart {
namespace {

Result<> run_program(const Datapath& datapath, const TestPacket& packet, LinkLayer layer, Hook hook) {
  const std::vector<uint8_t> bytes = bytes_of(packet, layer, hook);
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = bytes.data(),
              .data_size_in = static_cast<uint32_t>(bytes.size()));
  if (const int code = bpf_prog_test_run_opts(datapath.program(layer, hook), &options); code != 0)
    return kernel_refused(-code, "run", std::string(name(hook)) + " classifier");
  return {};
}

// Hands every packet of the plan to the classifier by `send`.
template <typename Send>
Result<> try_plan(const Datapath& datapath, const TestPlan& plan, Hook hook, const std::string& where,
                  const std::string& hint, const Send& send) {
  const auto before = datapath.tested(hook);
  if (!before) return tl::unexpected(before.error());
  if (auto ok = send(plan.doomed); !ok) return ok;
  for (const TestPacket& packet : plan.spared)
    if (auto ok = send(packet); !ok) return ok;
  const auto after = datapath.tested(hook);
  if (!after) return tl::unexpected(after.error());
  return require_told(plan, *before, *after, where, hint);
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
  const std::string where = std::string(name(hook)) + " classifier";
  for (const TestPlan& plan : plans_)
    if (auto ok =
            try_plan(datapath, plan, hook, where, "it was run by itself",
                     [&](const TestPacket& packet) { return run_program(datapath, packet, layer, hook); });
        !ok)
      return ok;
  return {};
}

Result<> SelfTest::test_egress(const Datapath& datapath, const TestSender& sender,
                               const Interface& interface) const {
  const std::string hint =
      "see which programs stand before it: tc filter show dev " + interface.name + " egress; bpftool net";
  for (const TestPlan& plan : plans_)
    if (auto ok = try_plan(datapath, plan, Hook::kEgress, "egress of " + interface.name, hint,
                           [&](const TestPacket& packet) { return sender.send_out_of(interface, packet); });
        !ok)
      return ok;
  return {};
}

}  // namespace blackstart
