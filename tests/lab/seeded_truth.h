// SPDX-License-Identifier: Apache-2.0
// A lab whose true answers are known, because its servers write down what they did, and one drill on it.
#pragma once

#include <algorithm>
#include <sstream>
#include <thread>

#include "agents/contract/units.h"
#include "tests/lab/own_lab.h"

namespace blackstart {

inline constexpr Duration kPeriod = 200ms;  // of every probe
inline constexpr Duration kCut = 10s;
inline constexpr Duration kSlack = 150ms;  // of a busy machine

inline const fs::path kSeeded = BLACKSTART_SOURCE_DIR "/tests/lab";

// What a server did, in order; a line is a request it answered, or a moment in the life of its primary.
struct ServerLog {
  struct Line {
    UnixNs at = 0;
    std::string path;
    int status = 0;
    std::string moment;
  };
  std::vector<Line> lines;

  // Requests of this path with this answer in [from, to].
  [[nodiscard]] int answered(const std::string& path, int status, UnixNs from, UnixNs to) const {
    return static_cast<int>(std::count_if(lines.begin(), lines.end(), [&](const Line& line) {
      return line.path == path && line.status == status && line.at >= from && line.at <= to;
    }));
  }
  // The only time it happened; 0: it did not, or more than once.
  [[nodiscard]] UnixNs when(const std::string& moment) const {
    UnixNs at = 0;
    for (const Line& line : lines)
      if (line.moment == moment) at = at == 0 ? line.at : -1;
    return std::max<UnixNs>(at, 0);
  }
};

// One run, its record, and what only the outside knows about it.
struct SeededRun {
  CommandResult result;
  json outcome;
  std::vector<json> events;
  std::map<std::string, UnixNs> said;          // mark → when the test said so
  std::map<std::string, ServerLog> logs;       // by host
  std::map<std::string, std::string> formats;  // what the same run says in each

  [[nodiscard]] UnixNs zero() const { return outcome["zeroUnixNs"]; }
  // Of what a record tells in seconds from T0.
  [[nodiscard]] UnixNs moment(const json& from_zero) const {
    return zero() + static_cast<UnixNs>(std::llround(from_zero.get<double>() * 1e9));
  }
  [[nodiscard]] json time(const std::string& name, const std::string& journey = "") const {
    for (const json& each : outcome["times"])
      if (each["time"] == name && each["journey"] == journey) return each;
    ADD_FAILURE() << "no time " << name << " of " << journey;
    return {{"took", 0}, {"censored", nullptr}};
  }
  [[nodiscard]] const json& event(const std::string& type) const {
    static const json kNone;
    const auto found =
        std::find_if(events.begin(), events.end(), [&](const json& each) { return each["type"] == type; });
    return found == events.end() ? kNone : *found;
  }
};

class SeededLab : public OwnLab {
 protected:
  static void SetUpTestSuite() {
    need({"/usr/bin/python3"});
    lab_up(read_text(kSeeded / "seeded_topology.yaml"),
           {{"server.py", read_text(kSeeded / "seeded_server.py")}});
  }

  static ServerLog log_of(const std::string& host) {
    ServerLog log;
    std::istringstream lines(on(host, {"curl", "-s", "http://127.0.0.1:8080/log"}).out);
    for (std::string text; std::getline(lines, text);) {
      const json line = json::parse(text, nullptr, false);
      if (line.is_object())
        log.lines.push_back(
            {line["at"], line.value("path", ""), line.value("status", 0), line.value("moment", "")});
    }
    EXPECT_FALSE(log.lines.empty()) << host;
    return log;
  }

  // Runs the experiment; says each of `marks` as long after the order to fire as it stands there.
  SeededRun drill(const std::string& experiment, const std::map<std::string, Duration>& marks = {}) const {
    SeededRun drill;
    RunningCommand running(
        command(saved(experiment), kTopology,
                {"--report", file("report.md"), "--report", file("report.html"), "--report",
                 file("report.json"), "--junit", file("junit.xml"), "--metrics", file("run.prom")}));
    if (!marks.empty()) {
      const UnixNs fired = wait_fired();
      for (const auto& [after, mark] : in_order(marks)) {
        std::this_thread::sleep_for(Duration(fired + after.count() - unix_now()));
        drill.said[mark] = unix_now();
        EXPECT_EQ(run_command({kBin + "blackstart", "mark", mark, "--state", folder_}).exit_code, 0) << mark;
      }
    }
    drill.result = running.wait(60s);
    drill.outcome = parsed(drill.result);
    const std::string run = drill.outcome.value("run", "");
    drill.events = events_of(folder_ + "/runs/" + run);
    for (const char* host :
         {"pangyo-shop-1", "pangyo-pay-1", "anyang-news-1", "anyang-pay-1", "anyang-search-1"})
      drill.logs[host] = log_of(host);
    const auto report = [&](const std::vector<std::string>& more) {
      std::vector<std::string> argv{kBin + "blackstart", "report", run, "--state", folder_};
      argv.insert(argv.end(), more.begin(), more.end());
      return run_command(argv);
    };
    EXPECT_EQ(report({"--verify"}).exit_code, 0);
    drill.formats = {{"terminal", report({}).out},
                     {"markdown", read_text(file("report.md"))},
                     {"html", read_text(file("report.html"))},
                     {"json", read_text(file("report.json"))},
                     {"junit", read_text(file("junit.xml"))},
                     {"prometheus", read_text(file("run.prom"))}};
    return drill;
  }

 private:
  [[nodiscard]] std::string file(const std::string& name) const { return folder_ + "/" + name; }
  static std::vector<std::pair<Duration, std::string>> in_order(
      const std::map<std::string, Duration>& marks) {
    std::vector<std::pair<Duration, std::string>> order;
    for (const auto& [mark, after] : marks) order.emplace_back(after, mark);
    std::sort(order.begin(), order.end());
    return order;
  }
  static std::vector<json> events_of(const fs::path& record) {
    std::vector<json> events;
    std::istringstream lines(read_text(record / "events.jsonl"));
    for (std::string text; std::getline(lines, text);)
      if (json event = json::parse(text, nullptr, false); event.is_object())
        events.push_back(std::move(event));
    return events;
  }
  // When the only run of this test was ordered to fire.
  UnixNs wait_fired() const {
    for (int i = 0; i < 600; ++i) {
      if (fs::exists(folder_ + "/runs"))
        for (const auto& record : fs::directory_iterator(folder_ + "/runs"))
          for (const json& event : events_of(record))
            if (event["type"] == "fire") return event["unix_ns"];
      std::this_thread::sleep_for(50ms);
    }
    ADD_FAILURE() << "the run did not fire";
    return unix_now();
  }
};

}  // namespace blackstart
