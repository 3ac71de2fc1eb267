// SPDX-License-Identifier: Apache-2.0
// Every mechanism drops 32,000 peers on a host that talks to somebody else: what that innocent
// traffic pays, what arming took, and what is left when whoever armed it dies.
#include "tests/bench/bench.h"

#include <csignal>
#include <optional>
#include <thread>

#include "agents/contract/units.h"
#include "agents/faults/traffic/traffic_fault.h"
#include "tests/bench/mechanisms.h"
#include "tests/bench/two_hosts.h"
#include "tests/support/command.h"

namespace blackstart::bench {
namespace {

using namespace std::chrono_literals;

constexpr uint32_t kTargets = 32'000;
constexpr int kRepeats = 3;
constexpr std::chrono::milliseconds kFlood{1000}, kFloodBefore{500};
constexpr std::chrono::seconds kPatience{30};  // for one arming
constexpr double kSlowMs = 2'000;              // arming that takes longer is not repeated

std::vector<std::string> target_names() {
  const bench_peers targets = scattered(kTargets);
  std::vector<std::string> out;
  for (uint32_t i = 0; i < targets.count; ++i) out.push_back(dotted(bench_peer(&targets, i)));
  return out;
}

// The same hosts before anything is armed and after: a machine that others use is never the same for
// long.
class Floods {
 public:
  void before(const TwoHosts& hosts) {
    before_ = {};
    for (int i = 0; i < kRepeats; ++i) before_.add(hosts.flood(kFloodBefore));
    none_.rate.insert(none_.rate.end(), before_.rate.begin(), before_.rate.end());
    none_.cpu.insert(none_.cpu.end(), before_.cpu.begin(), before_.cpu.end());
  }
  void after(const TwoHosts& hosts, const std::string& what, const std::string& note = {}) {
    Figures armed;
    for (int i = 0; i < kRepeats; ++i) armed.add(hosts.flood(kFlood));
    const double ns = spread(armed.cpu).median, none = spread(before_.cpu).median;
    rows_.push_back(
        figure(what, spread(armed.rate), "packets/s",
               number(ns) + " ns of CPU a packet, just before without it " + number(none) + note));
  }
  void skip(const Row& row) { rows_.push_back(row); }

  [[nodiscard]] Section section() const {
    Section out{"a stranger's UDP flood through a veth pair, 32,000 targets armed at its sender", {}};
    out.rows.push_back(figure("none", spread(none_.rate), "packets/s",
                              number(spread(none_.cpu).median) + " ns of CPU a packet"));
    out.rows.insert(out.rows.end(), rows_.begin(), rows_.end());
    return out;
  }

 private:
  struct Figures {
    std::vector<double> rate, cpu;
    void add(const Flood& flood) {
      rate.push_back(flood.packets_per_second);
      cpu.push_back(flood.cpu_ns_per_packet);
    }
  };
  Figures before_, none_;
  std::vector<Row> rows_;
};

void measure_ours(const Ours& ours, Floods& floods, Section& arming) {
  const std::string name = ours.name;
  contract::Order order = ours.on(order_to_drop({scattered(kTargets)}));
  const TwoHosts hosts;
  const auto on_here = hosts.on_here();
  std::vector<double> times, cpu;
  std::unique_ptr<TrafficFault> fault;
  floods.before(hosts);
  for (int i = 0; i < 5 * kRepeats; ++i) {
    fault.reset();
    fault = must(TrafficFault::make({}));
    const double start = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
    times.push_back(milliseconds_of([&] { must(fault->arm(order)); }));
    cpu.push_back((cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / 1e6);
  }
  const double fired = milliseconds_of([&] { must(fault->fire(monotonic_now(), {INT64_MAX, INT64_MAX})); });
  floods.after(hosts, name);
  arming.rows.push_back(figure(
      name, spread(times), "ms",
      "from the order in memory, self-test included; " + number(spread(cpu).median) + " ms of CPU", 50));
  arming.rows.push_back(figure(name + ": firing them", spread({fired}), "ms", "", 1));
  must(fault->revert());
}

// Arms in fresh hosts; how long that took, or nothing if it did not end in time.
std::optional<double> arm(const std::vector<std::string>& command, const std::string& name) {
  CommandResult result;
  const double took = milliseconds_of([&] { result = run_command(command, kPatience); });
  if (result.exit_code == 128 + SIGKILL) return {};
  if (result.exit_code != 0) throw std::runtime_error(name + ": " + result.err.substr(0, 300));
  return took;
}

void measure(const Mechanism& mechanism, const std::string& scratch, const std::vector<std::string>& targets,
             Floods& floods, Section& arming) {
  const auto command = prepare(mechanism, targets, scratch);
  std::vector<double> times;
  for (;;) {
    const TwoHosts hosts;
    const auto on_here = hosts.on_here();
    if (times.empty()) floods.before(hosts);
    const auto took = arm(command, mechanism.name);
    const int armed = std::stoi("0" + run_command({"sh", "-c", mechanism.count}, kPatience).out);
    if (armed == 0) throw std::runtime_error(mechanism.name + ": nothing is armed");
    if (took) times.push_back(*took);
    if (took && *took < kSlowMs && times.size() < kRepeats) continue;

    const std::string few = armed == static_cast<int>(kTargets)
                                ? std::string()
                                : "; " + number(armed) + " of " + number(kTargets) + " targets";
    floods.after(hosts, mechanism.name, few);
    if (took)
      arming.rows.push_back(figure(mechanism.name, spread(times), "ms",
                                   "measured " + number(static_cast<double>(times.size())) +
                                       " ×, the tool's own start included" + few));
    else
      arming.rows.push_back(
          not_measured(mechanism.name, "ended after " + number(kPatience.count()) + " s" + few));
    return;
  }
}

// The process that armed it is killed; is the peer still cut off a second later?
Row survival(const Mechanism& mechanism, const std::string& scratch) {
  const std::string what = mechanism.name + ": kill -9 of who armed it";
  const TwoHosts hosts;
  const auto on_here = hosts.on_here();
  auto command = prepare(mechanism, {kThere}, scratch);
  command[2] += " && exec sleep 60";
  const RunningCommand holder(command);
  for (int i = 0; hosts.delivers(20ms); ++i) {
    if (i == 100) throw std::runtime_error(mechanism.name + ": does not drop");
    std::this_thread::sleep_for(20ms);
  }
  std::this_thread::sleep_for(200ms);
  holder.send(SIGKILL);
  std::this_thread::sleep_for(1s);
  return {what, hosts.delivers(50ms) ? "healthy" : "stays", "", "looked at 1 s later", ""};
}

}  // namespace

std::vector<Section> flood_figures(const std::string& scratch) {
  Floods floods;
  Section arming{"arming 32,000 targets", {}};
  Section dead{"after the death of who armed it", {}};
  for (const Ours& ours : kOurs) measure_ours(ours, floods, arming);
  const auto targets = target_names();
  for (const Mechanism& mechanism : mechanisms()) {
    if (const std::string tool = missing_tool(mechanism); !tool.empty()) {
      const Row row = not_measured(mechanism.name, tool + " is not installed");
      floods.skip(row);
      arming.rows.push_back(row);
      dead.rows.push_back(row);
      continue;
    }
    measure(mechanism, scratch, targets, floods, arming);
    dead.rows.push_back(survival(mechanism, scratch));
  }
  return {floods.section(), arming, dead};
}

}  // namespace blackstart::bench
