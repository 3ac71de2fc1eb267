// SPDX-License-Identifier: Apache-2.0
// Every fact of a run as its JSON tells it, and how each of the other formats has to say the same.
#pragma once

#include <cctype>
#include <cmath>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "injector/report/text.h"
#include "tests/support/visible.h"

namespace blackstart {

using Reads = std::map<std::string, std::string>;  // format → words

struct Fact {
  std::string what;
  Reads reads;
};

// A format without its markup, a blank between any two words.
inline std::string plain(const std::string& format, const std::string& text) {
  std::string shown = format == "html" || format == "junit" ? visible(text) : text;
  for (const auto& [from, to] :
       std::map<std::string, std::string>{{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}})
    for (size_t at = 0; (at = shown.find(from, at)) != std::string::npos; ++at)
      shown.replace(at, from.size(), to);
  std::string out = " ";
  for (const char c : shown) {
    if (format == "markdown" && c == '\\') continue;
    const bool blank = std::isspace(static_cast<unsigned char>(c)) || (format == "markdown" && c == '|');
    if (!blank || out.back() != ' ') out += blank ? ' ' : c;
  }
  return out + " ";
}

// Whether these words stand there as words: "1 of 7" is no part of "11 of 70", nor "10s" of "10.5s".
inline bool says(const std::string& text, const std::string& words) {
  const auto letter = [&](size_t at) { return std::isalnum(static_cast<unsigned char>(text[at])) != 0; };
  for (size_t at = 0; (at = text.find(words, at)) != std::string::npos; ++at) {
    const size_t end = at + words.size();
    if (at == 0 || end + 1 >= text.size()) continue;
    if (!letter(at - 1) && !letter(end) && !(text[end] == '.' && letter(end + 1))) return true;
  }
  return false;
}

class Facts {
 public:
  explicit Facts(const nlohmann::json& outcome) : outcome_(outcome) {
    run();
    faults();
    probes();
    services();
    times();
    people();
    recovery();
  }
  [[nodiscard]] std::vector<Fact> list() && { return std::move(list_); }

 private:
  using json = nlohmann::json;

  static Duration length(const json& seconds) { return Duration(std::llround(seconds.get<double>() * 1e9)); }
  static std::string since(const json& at) { return at.is_null() ? "-" : report::since(length(at)); }
  static std::string took(const json& time, const char* key) {
    if (time[key].is_null()) return "unknown";
    return report::lasting(length(time[key]), time["censored"]);
  }
  static std::string percent(const json& ratio) {
    return report::percent(ratio.is_null() ? std::nullopt : std::optional(ratio.get<double>()));
  }
  static std::string of(const json& probe) {
    return report::grouped(probe["failures"]) + " of " + report::grouped(probe["attempts"]);
  }
  static std::string metric(const std::string& name, const std::string& labels, double value) {
    std::ostringstream text;
    text.precision(17);
    text << "blackstart_" << name << "{" << labels << "} " << value;
    return text.str();
  }
  static Reads in_tables(const std::string& words) { return {{"markdown", words}, {"html", words}}; }
  static Reads everywhere(const std::string& words) {
    return {{"markdown", words}, {"html", words}, {"terminal", words}, {"junit", words}};
  }
  void add(const std::string& what, Reads reads, const Reads& more = {}) {
    reads.insert(more.begin(), more.end());
    list_.push_back({what, std::move(reads)});
  }

  void run() {
    const std::string verdict = outcome_["verdict"], recovery = outcome_["recoveryVerdict"];
    const std::string code = std::to_string(outcome_["exitCode"].get<int>());
    std::string upper = verdict;
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    const std::string line = upper + ": " + outcome_["experiment"].get<std::string>() + " on " +
                             outcome_["topology"].get<std::string>() + ": " +
                             outcome_["reason"].get<std::string>() + " (recovery " + recovery +
                             ", exit code " + code + ")";
    add("verdict", {{"markdown", line},
                    {"terminal", line},
                    {"junit", "exit code " + code},
                    {"html", "recovery " + recovery + " · exit code " + code},
                    {"prometheus", metric("verdict", "verdict=\"" + verdict + "\"", 1)}});
    add("verdict of the recovery",
        {{"html", upper}, {"prometheus", metric("recovery_verdict", "verdict=\"" + recovery + "\"", 1)}});
    const std::string t0 = "T0 " + outcome_["t0"].get<std::string>();
    add("T0", in_tables(t0), {{"terminal", t0}});
    const std::string head = outcome_["log"]["head"];
    add("log head", in_tables("log head: " + head),
        {{"terminal", "log head: " + head}, {"junit", "logHead\" value=\"" + head}});
    for (const json& each : outcome_["hypothesis"]) {
      const std::string answer = each["met"].get<bool>() ? "✓ met at " + since(each["at"]) : "✗ NOT met";
      const std::string words = "hypothesis " + answer + " " + each["text"].get<std::string>();
      add("hypothesis", in_tables(words), {{"terminal", words}});
    }
  }

  void faults() {
    for (const json& each : outcome_["faults"]) {
      const std::string name = each["id"].get<std::string>() + " " + each["kind"].get<std::string>();
      const json& packets = each["packets"];
      const std::string dropped = report::plural(packets["dropped"], "packet"),
                        leaked = report::grouped(packets["leaked"]);
      const std::string words = name + " " + std::to_string(each["hosts"].size()) + " " +
                                since(each["firstEffect"]) + " " + since(each["end"]) + " " + dropped + " " +
                                leaked;
      add(name, in_tables(words),
          {{"terminal", words}, {"junit", name + ": " + dropped + " dropped, " + leaked + " leaked"}});
      const std::string engine = each["engine"];
      for (const json& pair : each["pairs"]) {
        if (pair["verdict"] == "leak") continue;
        const auto site = [&](const char* key) {
          const std::string known = pair[key];
          return std::string(known.empty() ? "outside" : known);
        };
        add(name + " by sites",
            {{"prometheus",
              metric("fault_packets_total",
                     "dst_site=\"" + site("dstSite") + "\",fault=\"" + each["id"].get<std::string>() +
                         "\",hook=\"" + engine.substr(engine.find('/') + 1) + "_" +
                         pair["direction"].get<std::string>() + "\",src_site=\"" + site("srcSite") +
                         "\",verdict=\"" + pair["verdict"].get<std::string>() + "\"",
                     pair["packets"])}});
      }
    }
  }

  void probes() {
    for (const auto& [name, each] : outcome_["probes"].items()) {
      const std::string ratios[]{percent(each["before"]), percent(each["during"]), percent(each["after"])};
      const std::string from = each["from"], row = ratios[0] + " " + ratios[1] + " " + ratios[2];
      add("probe " + name,
          in_tables(name + " " + from + " " + row + " " + since(each["impactFrom"]) + " " +
                    since(each["impactTo"]) + " " + of(each)),
          {{"terminal", name + " " + row + " " + since(each["impactTo"]) + " " + of(each)},
           {"junit", name + ": " + ratios[0] + " before, " + ratios[1] + " during, " + ratios[2] +
                         " after; " + of(each) + " failed, " + report::grouped(each["missed"]) + " missed"}});
      const std::string labels = "from=\"" + from + "\",journey=\"" + name + "\"";
      for (const char* counter : {"attempts", "failures"})
        add(counter + (" of " + name),
            {{"prometheus", metric(std::string("probe_") + counter + "_total", labels, each[counter])}});
    }
  }

  void services() {
    const std::map<std::string, int> values{{"ok", 0}, {"degraded", 1}, {"down", 2}};
    for (const auto& [name, each] : outcome_["services"].items()) {
      const std::string predicted = each["predicted"], observed = each["observed"];
      Reads reads{{"junit", name + ": predicted " + predicted + ", observed " + observed},
                  {"prometheus", metric("service_impact",
                                        "basis=\"observed\",service=\"" + name + "\",tier=\"" +
                                            std::to_string(each["tier"].get<int>()) + "\"",
                                        values.at(observed))}};
      const std::string row = name + " " + predicted + " " + observed;
      if (observed != "ok") reads.insert({{"markdown", row}, {"html", row}, {"terminal", row}});
      add("service " + name, reads);
    }
    for (const json& each : outcome_["gray"]) {
      const std::string service = each["service"];
      add("gray " + service,
          everywhere(service + " passed its own checks while " + each["journey"].get<std::string>() +
                     " failed for " + report::lasting(length(each["to"]) - length(each["from"]))),
          {{"prometheus", metric("gray_failure", "service=\"" + service + "\"", 1)}});
    }
  }

  void times() {
    for (const json& each : outcome_["times"]) {
      const std::string time = each["time"], journey = each["journey"];
      std::string name = time;
      for (char& c : name) c = c == '-' ? '_' : c;
      Reads reads = in_tables(time + (journey.empty() ? " " : ", " + journey + " ") + took(each, "took"));
      reads["junit"] = time + (journey.empty() ? ": " : " " + journey + ": ") + took(each, "took");
      reads["prometheus"] =
          metric("time_to_" + name + "_seconds", "journey=\"" + journey + "\"", each["took"]);
      add(time + " " + journey, reads);
      add(time + " " + journey + " is a bound",
          {{"prometheus", metric("time_censored", "journey=\"" + journey + "\",objective=\"" + time + "\"",
                                 each["censored"].get<bool>())}});
      if (time == "decide" || time == "full-restore")
        add(time + " on a screen", {{"terminal", time + " " + took(each, "took")}});
    }
    for (const json& each : outcome_["objectives"]) {
      const std::string name = each["objective"], within = report::lasting(length(each["target"]));
      const std::string words = name + " within " + within + ": " + took(each, "achieved");
      add("objective " + name, in_tables(name + " " + within + " " + took(each, "achieved")),
          {{"terminal", words},
           {"junit", words},
           {"prometheus", metric("objective_seconds", "objective=\"" + name + "\"", each["target"])}});
    }
  }

  void people() {
    for (const json& each : outcome_["marks"]) {
      const std::string mark = each["mark"];
      add("mark " + mark, in_tables(mark + " " + since(each["at"])),
          {{"junit", "mark " + mark + ": " + since(each["at"])}});
      if (mark == "acknowledged") add(mark + " on a screen", {{"terminal", mark + " " + since(each["at"])}});
    }
  }

  // Of a run in which everybody came back.
  void recovery() {
    const json& recovery = outcome_["recovery"];
    const auto back = [&](const std::string& who, size_t well, const auto& count) {
      json since_when;
      bool away = false;
      for (const json& point : recovery["curve"]) {
        if (count(point) < well)
          since_when = nullptr;
        else if (since_when.is_null())
          since_when = point["at"];
        away = away || count(point) < well;
      }
      const std::string all = std::to_string(well) + " of " + std::to_string(well) + " " + who;
      const std::string words = all + (away ? " back at " + since(since_when) : " there throughout");
      Reads reads = everywhere(words);
      if (!away) reads.erase("terminal");
      add(who + " back", reads);
    };
    back("services", recovery["services"], [](const json& point) { return point["services"].get<size_t>(); });
    for (const auto& [site, well] : recovery["hosts"].items()) {
      back("hosts of " + site, well,
           [&site = site](const json& point) { return point["hosts"][site].template get<size_t>(); });
      const size_t last = recovery["curve"].back()["hosts"][site];
      add("hosts of " + site, {{"prometheus", metric("recovered_hosts_ratio", "site=\"" + site + "\"",
                                                     static_cast<double>(last) / well.get<double>())}});
    }
  }

  const nlohmann::json& outcome_;
  std::vector<Fact> list_;
};

inline std::vector<Fact> facts_of(const nlohmann::json& outcome) {
  return Facts(outcome).list();
}

}  // namespace blackstart
