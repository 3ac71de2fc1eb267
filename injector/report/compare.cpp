// SPDX-License-Identifier: Apache-2.0
#include "injector/report/compare.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "injector/report/text.h"

namespace blackstart::report {
namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

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

std::string difference(const Outcome& before, const Outcome& after) {
  std::string out;
  const std::map<std::string, Alone> still = alone_in(after);
  for (const auto& [dependency, alone] : alone_in(before)) {
    std::vector<std::string> rescued;
    for (const std::string& service : alone.needed_by) {
      const OutcomeService* was = find(before.services, service);
      const OutcomeService* is = find(after.services, service);
      if (was && is && was->observed == Impact::kDown && is->observed != Impact::kDown &&
          is->observed != Impact::kUnknown)
        rescued.push_back(service);
    }
    if (still.contains(dependency) || rescued.empty()) continue;
    out += wrapped("  - ", dependency + " stood only in " + alone.site + ", and " + joined(rescued) +
                               " died with it. On " + after.topology + " it has a second site, and " +
                               joined(rescued) + " lived.");
  }
  for (const auto& [dependency, alone] : still)
    out += wrapped("  - ", dependency + " still stands only in " + alone.site + "; needed by " +
                               joined(alone.needed_by) + ".");
  return out;
}

}  // namespace

std::string compare_text(const Outcome& before, const Outcome& after) {
  const std::string title = before.experiment == after.experiment
                                ? before.experiment
                                : before.experiment + " and " + after.experiment;
  std::string out = wrapped("", "The same cut, twice: " + title) +
                    (before.summary.empty() ? "" : wrapped("  ", before.summary)) + "\n";

  Table table;
  table.row({"", before.topology, after.topology});
  table.row({"verdict", upper(verdict_name(before.verdict)), upper(verdict_name(after.verdict))});
  const auto packets = [](const Outcome& outcome) {
    uint64_t dropped = 0, leaked = 0;
    for (const OutcomeFault& fault : outcome.faults) {
      dropped += fault.dropped;
      leaked += fault.leaked;
    }
    return grouped(dropped) + " dropped, " + grouped(leaked) + " leaked";
  };
  table.row({"packets", packets(before), packets(after)});
  table.row({"", "", ""});
  table.row({"requests answered", "", ""});
  for (const std::string& name : names_of(before.probes, after.probes)) {
    const auto ratios = [&](const Outcome& outcome) -> std::string {
      const OutcomeProbe* probe = find(outcome.probes, name);
      return probe ? percent(probe->before) + " → " + percent(probe->during) + " → " + percent(probe->after)
                   : "not there";
    };
    table.row({"  " + name + " (before → during → after)", ratios(before), ratios(after)});
  }
  table.row({"", "", ""});
  table.row({"services during the cut", "", ""});
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
      table.row({"  " + name, observed(was), observed(is)});
  }
  out += table.text();
  if (!fine.empty()) out += wrapped("  ok in both, as predicted: ", joined(fine));
  const std::string why = difference(before, after);
  return out + "\nWhat made the difference\n" +
         (why.empty() ? "  nothing the topologies declare: no service of the first that stood in one site "
                        "alone was rescued\n"
                      : why);
}

}  // namespace blackstart::report
