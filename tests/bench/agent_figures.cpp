// SPDX-License-Identifier: Apache-2.0
// The real agent on bench-here, spoken to as the conductor does.
#include "tests/bench/bench.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agents/channel/embedded/embedded_channel.h"
#include "agents/contract/units.h"
#include "agents/contract/wire.h"
#include "tests/bench/two_hosts.h"
#include "tests/support/command.h"

namespace blackstart::bench {
namespace {

using namespace std::chrono_literals;

constexpr const char* kHost = "bench";
constexpr int kKills = 7;

class Agent {
 public:
  Agent(const TwoHosts& hosts, const std::string& scratch)
      : scratch_(scratch), channel_(scratch), started_(start(hosts, scratch)) {
    for (int i = 0; !channel_.call(kHost, hello(), 1s); ++i) {
      if (i == 500) throw std::runtime_error("the agent does not answer");
      std::this_thread::sleep_for(10ms);
    }
  }

  void arm(const contract::Order& order) {
    contract::Request request;
    *request.mutable_arm()->mutable_order() = order;
    ask(request);
  }
  void fire(const contract::Order& order) {
    contract::Request request;
    request.mutable_fire()->set_run(order.run());
    request.mutable_fire()->set_t0_unix_ns(unix_now() + 50'000'000);
    request.mutable_fire()->set_horizon_ns(INT64_MAX);
    ask(request);
  }
  // Whoever follows an agent that was killed ends too. Its sentinel may take its time to become the next one.
  ~Agent() {
    for (int i = 0; i < 500; ++i) {
      const auto left = processes();
      if (left.empty()) return;
      for (const pid_t pid : left) ::kill(pid, SIGTERM);
      std::this_thread::sleep_for(10ms);
    }
  }
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  void kill() const { started_.send(SIGKILL); }

  // Resident memory in MiB, and how much of it is not backed by a file.
  [[nodiscard]] std::pair<double, double> resident() const {
    std::ifstream status("/proc/" + std::to_string(started_.pid()) + "/status");
    double all = 0, anonymous = 0;
    for (std::string word; status >> word;) {
      if (word == "VmRSS:") status >> all;
      if (word == "RssAnon:") status >> anonymous;
    }
    return {all / 1024, anonymous / 1024};
  }

 private:
  static RunningCommand start(const TwoHosts& hosts, const std::string& scratch) {
    const auto on_here = hosts.on_here();
    const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "blackstart-agent";
    return RunningCommand(
        {program, "--lab", "--host", kHost, "--socket", scratch + "/" + kHost + ".sock", "--state", scratch});
  }
  // Agents and sentinels that work on our folder and live, whoever is their parent.
  [[nodiscard]] std::vector<pid_t> processes() const {
    std::vector<pid_t> out;
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      std::ifstream file(entry.path() / "cmdline", std::ios::binary);  // a dead one's is empty
      const std::string words(std::istreambuf_iterator<char>(file), {});
      if (words.find(std::string("--state") + '\0' + scratch_) != std::string::npos)
        out.push_back(std::stoi(name));
    }
    return out;
  }
  static contract::Request hello() {
    contract::Request request;
    request.mutable_hello();
    return request;
  }
  void ask(const contract::Request& request) { must(channel_.call(kHost, request, 30s)); }

  const std::string scratch_;  // its state folder, this bench's alone
  EmbeddedChannel channel_;
  RunningCommand started_;
};

Row weight(const std::string& what, const Agent& agent, std::optional<double> goal) {
  const auto [all, anonymous] = agent.resident();
  return figure(what, spread({all}), "MiB", number(anonymous) + " MiB of it not shared with files", goal);
}

Section weights(const std::string& scratch) {
  const TwoHosts hosts;
  Agent agent(hosts, scratch);
  std::this_thread::sleep_for(2s);
  Section out{"what an agent weighs (VmRSS)", {}};
  out.rows.push_back(weight("idle, 2 s after its start", agent, 20));
  agent.arm(order_to_drop({scattered(32'000)}));
  out.rows.push_back(weight("32,000 targets armed", agent, {}));
  return out;
}

Row kill_to_healthy(const std::string& scratch, const Ours& ours) {
  const std::string name = ours.name;
  contract::Order order = ours.on(order_to_drop({}));
  to_wire(Prefix::of(*Address::parse(kThere)), order.mutable_faults(0)->mutable_rules(0)->add_peers());
  std::vector<double> times;
  for (int i = 0; i < kKills; ++i) {
    const TwoHosts hosts;
    Agent agent(hosts, scratch);
    agent.arm(order);
    agent.fire(order);
    std::this_thread::sleep_for(100ms);
    if (hosts.delivers(20ms)) throw std::runtime_error(name + ": does not drop");
    times.push_back(milliseconds_of([&] {
      agent.kill();
      const auto end = std::chrono::steady_clock::now() + 5s;
      while (!hosts.delivers(0ms))
        if (std::chrono::steady_clock::now() > end) throw std::runtime_error(name + ": stays");
    }));
  }
  return figure(name + ": kill -9 of the agent to the next packet that arrives", spread(times), "ms");
}

}  // namespace

std::vector<Section> agent_figures(const std::string& scratch) {
  Section dead{"after the death of who armed it", {}};
  for (const Ours& ours : kOurs) dead.rows.push_back(kill_to_healthy(scratch, ours));
  return {dead, weights(scratch)};
}

}  // namespace blackstart::bench
