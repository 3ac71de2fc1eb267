// SPDX-License-Identifier: Apache-2.0
// What a scraper is told of a drill, while it lasts and by the file it leaves.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include "tests/lab/run_fixture.h"

namespace blackstart {
namespace {

// A loopback port nobody else has while this is there.
class TakenPort {
 public:
  TakenPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&name), size), 0);
    EXPECT_EQ(::listen(socket_, 1), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&name), &size), 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(name.sin_port));
  }
  ~TakenPort() { ::close(socket_); }
  TakenPort(const TakenPort&) = delete;
  TakenPort& operator=(const TakenPort&) = delete;
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  int socket_;
  std::string address_;
};

// Values by name and labels, as they are written.
using Values = std::map<std::string, double>;
Values values_of(const std::string& text) {
  Values values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t blank = line.rfind(' ');
    if (!line.starts_with("blackstart_") || blank == std::string::npos) continue;
    values[line.substr(0, blank)] = std::stod(line.substr(blank + 1));
  }
  return values;
}
// The sum of all samples of a metric with this label; nullopt: there is none.
std::optional<double> sum(const Values& values, const std::string& metric, const std::string& label) {
  std::optional<double> total;
  for (const auto& [name, value] : values)
    if (name.starts_with(metric + "{") && name.find(label) != std::string::npos)
      total = total.value_or(0) + value;
  return total;
}

class MetricsTest : public RunTest {
 protected:
  static Values scrape(const std::string& address) {
    return values_of(run_command({"curl", "-fsS", "-m", "2", "http://" + address + "/metrics"}, 5s).out);
  }
};

TEST_F(MetricsTest, TellWhatIsKnownWhileItLastsAndTheRestInTheEnd) {
  std::string address;
  { address = TakenPort().address(); }
  const auto path = experiment(R"(
  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 8s}]
  hypothesis: [{probe: login, successRatio: ">= 99%", over: 1s, within: 4s}]
)");
  RunningCommand running(
      command(path, kTopology, {"--metrics-listen", address, "--metrics", folder_ + "/run.prom"}));
  Values steady, hold;
  const auto patience = std::chrono::steady_clock::now() + 40s;
  while (sum(hold, "blackstart_fault_packets_total", "verdict=\"drop\"").value_or(0) == 0 ||
         sum(hold, "blackstart_recovered_hosts_ratio", "site=\"pangyo\"").value_or(1) > 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), patience) << "no scrape saw the cut";
    Values now = scrape(address);
    if (now.contains("blackstart_run_phase{phase=\"steady\"}"))
      steady = std::move(now);
    else if (now.contains("blackstart_run_phase{phase=\"hold\"}"))
      hold = std::move(now);
    std::this_thread::sleep_for(300ms);
  }
  ASSERT_FALSE(steady.empty());
  EXPECT_FALSE(sum(steady, "blackstart_fault_packets_total", "")) << "nothing was cut yet";
  EXPECT_FALSE(sum(steady, "blackstart_recovered_hosts_ratio", ""));
  EXPECT_EQ(sum(hold, "blackstart_recovered_hosts_ratio", "site=\"anyang\"").has_value(), true);
  for (const Values* then : {&steady, &hold})
    for (const char* later : {"blackstart_verdict", "blackstart_time_to_recover_seconds",
                              "blackstart_fault_revert_seconds", "blackstart_objective_ratio"})
      EXPECT_FALSE(sum(*then, later, "")) << later << " is known in the end only";

  const json outcome = parsed(running.wait());
  const Values last = values_of(read_text(folder_ + "/run.prom"));
  EXPECT_GE(*sum(last, "blackstart_probe_attempts_total", "login"),
            *sum(hold, "blackstart_probe_attempts_total", "login"));
  EXPECT_EQ(sum(last, "blackstart_verdict", "verdict=\"fail\""), 1);
  EXPECT_FALSE(sum(last, "blackstart_run_phase", ""));
  EXPECT_EQ(sum(last, "blackstart_recovered_hosts_ratio", "site=\"pangyo\""), 1) << outcome["recovery"];
  const auto outlasted = sum(last, "blackstart_fault_revert_seconds", "reason=\"end\"");
  ASSERT_TRUE(outlasted) << outcome["faults"];
  EXPECT_LE(*outlasted, 0.5);

  // The curve of the same drill: Pangyo's hosts gone, then back.
  const json& recovery = outcome["recovery"];
  const size_t well_before = recovery["hosts"]["pangyo"];
  EXPECT_GT(well_before, 0u);
  const auto at_pangyo = [](const json& point) { return point["hosts"]["pangyo"].get<size_t>(); };
  ASSERT_GE(recovery["curve"].size(), 2u) << recovery;
  EXPECT_TRUE(std::any_of(recovery["curve"].begin(), recovery["curve"].end(), [&](const json& point) {
    return at_pangyo(point) == 0;
  })) << recovery;
  EXPECT_EQ(at_pangyo(recovery["curve"].back()), well_before) << recovery;
  EXPECT_EQ(recovery["curve"].back()["services"], recovery["services"]) << recovery;
  EXPECT_TRUE(scrape(address).empty()) << "nobody listens any more";
}

TEST_F(MetricsTest, APortThatIsTakenRefusesTheRunBeforeItHasBegun) {
  const TakenPort taken;
  const auto path = experiment("  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 2s}]\n");
  const auto refused = run_command(command(path, kTopology, {"--metrics-listen", taken.address()}));
  EXPECT_EQ(refused.exit_code, 6) << refused.out;
  EXPECT_NE((refused.out + refused.err).find(taken.address()), std::string::npos) << refused.err;
  EXPECT_FALSE(fs::exists(folder_ + "/runs")) << "there is no record of what never began";
  EXPECT_EQ(run_command(command(path, kTopology, {"--metrics-listen", "9464"})).exit_code, 4);
}

}  // namespace
}  // namespace blackstart
