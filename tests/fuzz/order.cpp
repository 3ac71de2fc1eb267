// SPDX-License-Identifier: Apache-2.0
// An order off the wire: refused by the agent's own check, or the tables of the packet classifier.
#include <google/protobuf/stubs/logging.h>

#include "agents/faults/traffic/classifier.h"
#include "agents/runtime/check_order.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace blackstart;

// Ranges ascend, do not touch, and begin and end at addresses that have a bit.
void require_consistent(const std::vector<PeerEntry>& entries) {
  const AddressRange* before = nullptr;
  const auto all = ranges(entries, ~uint64_t{0});
  for (const AddressRange& range : all) {
    fuzz::require(range.first.bytes <= range.last.bytes, "a range ends behind its start");
    fuzz::require(!before || before->last.bytes < range.first.bytes, "ranges ascend");
    fuzz::require(find(entries, range.first).bits != 0, "the first address of a range has a bit");
    fuzz::require(find(entries, range.last).bits != 0, "the last address of a range has a bit");
    before = &range;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  [[maybe_unused]] static const auto loud = google::protobuf::SetLogHandler(nullptr);
  contract::Order order;
  if (!order.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto accepted = check_order(order, order.host());
  const auto classifier = classify(order);
  if (!accepted) {
    fuzz::require(!accepted.error().message().empty(), "a refusal says why");
    return 0;
  }
  for (const auto& fault : order.faults())
    fuzz::require(
        fault.end_ns() > fault.start_ns() && fault.end_ns() - fault.start_ns() <= kLongestFault.count(),
        "an accepted fault ends, and in time");
  if (!classifier) return 0;
  for (const auto* entries : {&classifier->prefixes_v4, &classifier->prefixes_v6})
    if (entries->size() < 256) require_consistent(*entries);
  return 0;
}
