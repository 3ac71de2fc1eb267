// SPDX-License-Identifier: Apache-2.0
#include "injector/report/compare.h"

#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "injector/record/outcome_json.h"
#include "injector/report/changes.h"
#include "injector/report/digest.h"
#include "injector/report/findings.h"
#include "injector/report/html.h"
#include "injector/report/markdown.h"
#include "injector/report/outcome_report.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

template <typename Map>
const typename Map::mapped_type* find(const Map& map, const std::string& name) {
  const auto found = map.find(name);
  return found == map.end() ? nullptr : &found->second;
}

std::string observed(const OutcomeService* service) {
  if (!service) return "not there";
  std::string text = observed_impact_name(service->observed);
  if (service->observed == Impact::kUnknown) return text;
  return text + (service->observed == service->predicted.impact
                     ? ", as predicted"
                     : std::string(", predicted ") + impact_name(service->predicted.impact));
}

template <typename Map>
std::set<std::string> names_of(const Map& a, const Map& b) {
  std::set<std::string> names;
  for (const auto& [name, value] : a) names.insert(name);
  for (const auto& [name, value] : b) names.insert(name);
  return names;
}

// Dependency → the site it stood in alone, and who needs it.
struct Alone {
  std::string site;
  std::vector<std::string> needed_by;
};
std::map<std::string, Alone> alone_in(const Outcome& outcome) {
  std::map<std::string, Alone> out;
  for (const SingleSiteDependency& each : outcome.single_site) {
    out[each.dependency].site = each.site;
    out[each.dependency].needed_by.push_back(each.service);
  }
  return out;
}

std::vector<std::string> difference(const Outcome& before, const Outcome& after) {
  std::vector<std::string> out;
  const std::map<std::string, Alone> stood = alone_in(before), stands = alone_in(after);
  for (const auto& [dependency, alone] : stood) {
    std::vector<std::string> rescued;
    for (const std::string& service : alone.needed_by) {
      const OutcomeService* was = find(before.services, service);
      const OutcomeService* is = find(after.services, service);
      if (was && is && was->observed == Impact::kDown && is->observed != Impact::kDown &&
          is->observed != Impact::kUnknown)
        rescued.push_back(service);
    }
    if (stands.contains(dependency) || rescued.empty()) continue;
    out.push_back(dependency + " stood only in " + alone.site + ", and " + joined(rescued) +
                  " died with it. On " + after.topology + " it has a second site, and " + joined(rescued) +
                  " lived.");
  }
  for (const auto& [dependency, alone] : stands)
    out.push_back(dependency + (stood.contains(dependency) ? " still" : " now") + " stands only in " +
                  alone.site + "; needed by " + joined(alone.needed_by) + ".");
  if (out.empty())
    out.push_back(
        "nothing the topologies declare: no service of the first that stood in one site alone was rescued");
  return out;
}

std::string title_of(const Outcome& before, const Outcome& after) {
  return before.experiment == after.experiment
             ? "The same cut, twice: " + before.experiment
             : "Two drills: " + before.experiment + " and " + after.experiment;
}

std::string packets(const Outcome& outcome) {
  uint64_t dropped = 0, leaked = 0;
  for (const OutcomeFault& fault : outcome.faults) {
    dropped += fault.dropped;
    leaked += fault.leaked;
  }
  return grouped(dropped) + " dropped, " + grouped(leaked) + " leaked";
}

Section side_by_side(const Outcome& before, const Outcome& after) {
  Section out{"Side by side", {}, {}};
  const auto row = [&](const std::string& what, const auto& of) {
    out.table.push_back({what, of(before), of(after)});
  };
  row("", [](const Outcome& outcome) { return outcome.topology; });
  row("run", [](const Outcome& outcome) { return outcome.run; });
  row("T0", [](const Outcome& outcome) { return outcome.t0 ? rfc3339(outcome.t0) : std::string("never"); });
  row("verdict", verdict_word);
  row("packets", packets);
  for (const std::string& name : names_of(before.probes, after.probes))
    row(name + " (before → during → after)", [&](const Outcome& outcome) -> std::string {
      const OutcomeProbe* probe = find(outcome.probes, name);
      return probe ? percent(probe->before) + " → " + percent(probe->during) + " → " + percent(probe->after)
                   : "not there";
    });
  for (const char* time : kTimesOfARun)
    if (slowest(before, time) || slowest(after, time))
      row("time to " + std::string(time), [&](const Outcome& outcome) -> std::string {
        const auto took = slowest(outcome, time);
        return took ? lasting(took->took, took->censored) : "unknown";
      });
  for (const std::string& name : names_of(before.records, after.records))
    row("records lost, " + name, [&](const Outcome& outcome) -> std::string {
      const OutcomeRecords* records = find(outcome.records, name);
      return records ? lost_text(*records) : "not there";
    });
  if (!before.gray.empty() || !after.gray.empty())
    row("gray failures", [](const Outcome& outcome) {
      return outcome.gray.empty() ? std::string("none seen") : grouped(outcome.gray.size());
    });
  std::vector<std::string> fine;
  for (const std::string& name : names_of(before.services, after.services)) {
    const OutcomeService* was = find(before.services, name);
    const OutcomeService* is = find(after.services, name);
    const auto well = [](const OutcomeService* service) {
      return service && service->observed == Impact::kUnaffected &&
             service->predicted.impact == Impact::kUnaffected;
    };
    if (well(was) && well(is))
      fine.push_back(name);
    else
      out.table.push_back({name, observed(was), observed(is)});
  }
  if (!fine.empty()) out.lines.push_back("ok in both, as predicted: " + joined(fine));
  return out;
}

Section changed(const std::string& title, const std::vector<Change>& changes) {
  Section out{title, {}, {}};
  if (changes.empty()) return {title, {"nothing"}, {}};
  out.table.push_back({"what", "before", "since"});
  for (const Change& change : changes) out.table.push_back({change.what, change.before, change.after});
  return out;
}

std::vector<Section> parts(const Outcome& before, const Outcome& after) {
  const Changes since = changes(before, after);
  return {side_by_side(before, after),
          changed("Better", since.better),
          changed("Worse", since.worse),
          {"What made the difference", difference(before, after), {}}};
}

nlohmann::json changes_json(const std::vector<Change>& changes) {
  nlohmann::json list = nlohmann::json::array();
  for (const Change& change : changes)
    list.push_back({{"what", change.what}, {"before", change.before}, {"after", change.after}});
  return list;
}

}  // namespace

std::string compare_text(const Outcome& before, const Outcome& after) {
  std::string out =
      wrapped("", title_of(before, after)) + (before.summary.empty() ? "" : wrapped("  ", before.summary));
  for (const Section& section : parts(before, after)) {
    out += "\n" + section.title + "\n";
    Table table;
    for (const auto& row : section.table) table.row(row);
    out += table.text();
    for (const std::string& line : section.lines) out += wrapped(section.table.empty() ? "  - " : "  ", line);
  }
  return out;
}

std::string compare_markdown(const Outcome& before, const Outcome& after) {
  return markdown_of(title_of(before, after), parts(before, after));
}

std::string compare_html(const Outcome& before, const Outcome& after) {
  std::string body;
  for (const Section& section : parts(before, after))
    body += "<section>" + html_heading(section) + html_table(section.table) + html_list(section.lines) +
            "</section>\n";
  return html_page(title_of(before, after), html_title(title_of(before, after), before.summary), body);
}

nlohmann::json compare_json(const Outcome& before, const Outcome& after) {
  const Changes since = changes(before, after);
  return {{"kind", "Comparison"},
          {"runs", {before.run, after.run}},
          {"better", changes_json(since.better)},
          {"worse", changes_json(since.worse)},
          {"difference", difference(before, after)},
          {"outcomes", {outcome_json(before), outcome_json(after)}}};
}

}  // namespace blackstart::report
