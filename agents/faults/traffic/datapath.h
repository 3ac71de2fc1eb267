// SPDX-License-Identifier: Apache-2.0
// The classifier of one order in the kernel: its programs and maps, loaded and filled, attached to
// nothing. Destroying it takes them away; under either attachment a packet then passes untouched.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/faults/fault.h"
#include "agents/faults/traffic/classifier.h"
#include "agents/faults/traffic/test_packet.h"
#include "agents/kernel/hook.h"

struct blackstart_traffic;

namespace blackstart {

class Datapath {
 public:
  enum class Entry { kDirect, kStub };  // stubs are what clsact is given

  // load and fill. On failure nothing is left in the kernel.
  static Result<std::unique_ptr<Datapath>> make(const Classifier& classifier, const std::string& run,
                                                Entry entry);
  // The programs, with maps still empty. They may be attached at once: until it is fired a classifier
  // lets every packet pass. On failure nothing is left in the kernel.
  static Result<std::unique_ptr<Datapath>> load(const Classifier& classifier, const std::string& run,
                                                Entry entry);
  // The maps, of the classifier that was loaded. From any thread.
  [[nodiscard]] Result<> fill(const Classifier& classifier) const;
  ~Datapath();
  Datapath(const Datapath&) = delete;
  Datapath& operator=(const Datapath&) = delete;

  // What to attach; the descriptor stays ours.
  [[nodiscard]] int program(LinkLayer layer, Hook hook) const;
  [[nodiscard]] std::string program_name(LinkLayer layer, Hook hook) const;
  // The classifier itself, for BPF_PROG_TEST_RUN.
  [[nodiscard]] int classifier(LinkLayer layer, Hook hook) const;

  // CLOCK_MONOTONIC. One store each for t0 and the two parts of the word.
  void fire(int64_t t0, const Word& word);
  void renew(const Word& word);

  // While set, packets to and from the self-test addresses are ended and counted.
  void set_testing(bool on);
  [[nodiscard]] Result<TestCount> tested(Hook hook) const;

  // By traffic_counter_index, summed over the CPUs; first_ns 0: none.
  [[nodiscard]] Result<std::vector<traffic_count>> counts() const;

 private:
  Datapath(blackstart_traffic* skeleton, const traffic_config& config, Entry entry);
  Result<> link_stubs();

  blackstart_traffic* skeleton_;
  traffic_config config_;
  Entry entry_;
};

}  // namespace blackstart
