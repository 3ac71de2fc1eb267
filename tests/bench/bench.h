// SPDX-License-Identifier: Apache-2.0
// The parts of the bench, each a few rows of the table, and what they share. What cannot go on
// throws std::runtime_error.
#pragma once

#include <time.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "tests/bench/peers.h"
#include "tests/bench/table.h"

namespace blackstart::bench {

// What a packet costs in the classifier, by BPF_PROG_TEST_RUN.
std::vector<Section> packet_figures();
// What a flood between two hosts loses to each mechanism, what arming it takes, and whether it
// survives whoever armed it.
std::vector<Section> flood_figures(const std::string& scratch);
// What the agent weighs, and how fast a dead one lets go.
std::vector<Section> agent_figures(const std::string& scratch);

// What hold-down costs an exec, and how fast many processes die.
std::vector<Section> process_figures();

// Where hosts stand whose network is measured; no target of these orders is ever sent to.
inline constexpr const char* kHere = "198.18.77.1";
inline constexpr const char* kThere = "198.18.77.2";

// Single addresses all over IPv4: no two of them merge.
inline constexpr bench_peers scattered(uint32_t count) {
  return {1, count, BENCH_SCATTER, 0xffffffff, 0};
}

std::string dotted(uint32_t address);  // host byte order

// One fault, in force from T0 for an hour, that drops these peers; port 22 is protected, as in every
// plan.
contract::Order order_to_drop(const std::vector<bench_peers>& peers);

// The ways our own faults are injected.
struct Ours {
  const char* name;
  contract::Engine engine;
  contract::Attachment attachment;

  [[nodiscard]] contract::Order on(contract::Order order) const {
    order.set_engine(engine);
    order.set_attachment(attachment);
    return order;
  }
};
inline constexpr Ours kOurs[] = {
    {"Blackstart (tcx)", contract::ENGINE_EBPF, contract::ATTACHMENT_TCX},
    {"Blackstart (clsact)", contract::ENGINE_EBPF, contract::ATTACHMENT_CLSACT},
    {"Blackstart (netfilter)", contract::ENGINE_NETFILTER, contract::ATTACHMENT_AUTO},
};

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

double cpu_ns(clockid_t clock);  // CLOCK_THREAD_CPUTIME_ID, CLOCK_PROCESS_CPUTIME_ID

template <typename Action>
double milliseconds_of(Action&& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace blackstart::bench
