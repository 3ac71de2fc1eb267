// SPDX-License-Identifier: Apache-2.0
// What can be said of an experiment without a topology.
#include <algorithm>
#include <map>
#include <set>

#include "agents/contract/safety.h"
#include "agents/language/nearest.h"
#include "agents/language/values.h"
#include "injector/experiment/calendar.h"
#include "injector/experiment/read_experiment.h"

namespace blackstart {
namespace {

constexpr Duration kShortestPeriod = std::chrono::milliseconds(10);
constexpr Duration kShortestLease = std::chrono::seconds(1);

const std::vector<std::string> kAvailableFaults{"site-blackhole",  "partition",      "storage-drop",
                                                "service-kill",    "service-freeze", "site-power-loss",
                                                "host-power-loss", "people-absent"};

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

class Validator {
 public:
  Validator(const Document& document, Problems& problems)
      : spec_(child(document.root.get(), "spec")), report_(problems) {}

  void run() {
    check_probes();
    for (const NodePtr& entry : items_of(child(spec_, "timeline"))) check_entry(entry.get());
    for (const NodePtr& item : items_of(child(spec_, "hypothesis"))) {
      probe_named(child(item.get(), "probe"));
      positive(child(item.get(), "over"), "over");
      check_within(child(item.get(), "within"));
    }
    for (const NodePtr& item : items_of(child(spec_, "guards"))) {
      probe_named(child(item.get(), "probe"));
      positive(child(item.get(), "over"), "over");
      at_least(child(item.get(), "every"), "every", kShortestPeriod);
      check_breaches(child(item.get(), "breaches"));
    }
    for (const NodePtr& item : items_of(child(spec_, "requires"))) check_precondition(item.get());
    check_precondition(child(spec_, "noIncident"));
    for (const NodePtr& item : items_of(child(spec_, "records"))) check_records(item.get());
    check_windows(child(spec_, "windows"));
    check_order(child(child(spec_, "recovery"), "order"));
    check_roles(child(spec_, "roles"));
    check_rest();
  }

 private:
  void missing(const Location& at, const std::string& what, std::string hint = "leave it out") {
    report_.add(at, what + " is not available in this version", std::move(hint), Problem::Kind::kMissing);
  }

  void positive(const Node* node, const std::string& name) {
    const auto duration = duration_of(node);
    if (duration && *duration <= Duration(0)) report_.add(node->at, name + " must be longer than 0s");
  }

  void at_least(const Node* node, const std::string& name, Duration least) {
    const auto duration = duration_of(node);
    if (duration && *duration < least)
      report_.add(node->at, name + " must be at least " + format_duration(least));
  }

  void at_most_longest(const Node* node, const std::string& name) {
    const auto duration = duration_of(node);
    if (duration && *duration > kLongestFault)
      report_.add(node->at, name + " must be at most " + format_duration(kLongestFault),
                  "no fault may last longer");
  }

  void check_probes() {
    const Node* steady = child(spec_, "steadyState");
    positive(child(steady, "for"), "for");
    for (const NodePtr& item : items_of(child(steady, "probes"))) {
      const Node* name = child(item.get(), "name");
      if (const std::string text = text_of(name); !text.empty()) {
        const auto [first, is_new] = probes_.emplace(text, name->at);
        if (!is_new)
          report_.add(name->at, "there are two probes \"" + text + "\"",
                      "the first is at " + first->second.text());
      }
      at_least(child(item.get(), "every"), "every", kShortestPeriod);
      positive(child(item.get(), "timeout"), "timeout");
    }
  }

  void probe_named(const Node* node) {
    const std::string name = text_of(node);
    if (name.empty() || probes_.contains(name)) return;
    report_.add(node->at, "there is no probe \"" + name + "\" in steadyState",
                suggest(name, names_of(probes_)));
  }

  void check_entry(const Node* entry) {
    if (child(entry, "fault")) return check_fault(entry);
    if (child(entry, "cold-start")) return check_cold_start(entry);
    const Node* gate = child(entry, "gate");
    const Node* probes = child(gate, "probes");
    if (probes && probes->kind == Node::Kind::kScalar) probe_named(probes);
    for (const NodePtr& item : items_of(probes)) probe_named(item.get());
    positive(child(gate, "over"), "over");
  }

  void check_fault(const Node* node) {
    const Node* fault = child(node, "fault");
    const std::string kind = text_of(fault);
    positive(child(node, "for"), "for");
    at_most_longest(child(node, "for"), "for");
    if (const auto share = share_of(child(node, "share")); share && *share <= 0)
      report_.add(child(node, "share")->at, "share must be more than nothing");
    if (std::find(kAvailableFaults.begin(), kAvailableFaults.end(), kind) == kAvailableFaults.end())
      return missing(fault->at, "the fault " + kind, "available are: " + listed(kAvailableFaults));
    check_restore(node);
    if (const Node* manner = child(node, "manner"); manner && text_of(manner) == "slow-down")
      missing(manner->at, kind + " with manner slow-down", "silent and reset are available");
    if (kind != "storage-drop") return;
    for (const char* key : {"operations", "buckets", "share", "count"})
      if (const Entry* entry = node->entry(key))
        missing(entry->at, "storage-drop with " + entry->key,
                "leave it out: every packet to and from the storage is dropped");
  }

  void check_restore(const Node* node) {
    const Node* restore = child(node, "restore");
    const Node* command = child(node, "command");
    const bool by_command = text_of(restore) == "command";
    if (by_command && !command)
      report_.add(restore->at, "restore: command lacks the command that starts it again",
                  "write command: [PROGRAM, ARGUMENT, ...] beside it");
    if (command && !by_command)
      report_.add(node->entry("command")->at, "nobody runs this command",
                  "write restore: command beside it, or leave it out");
  }

  Duration end_of_faults() const {
    Duration end{0};
    for (const NodePtr& entry : items_of(child(spec_, "timeline")))
      if (const auto lasts = duration_of(child(entry.get(), "for")))
        end = std::max(end, duration_of(child(entry.get(), "at")).value_or(Duration{0}) + *lasts);
    return end;
  }

  // Whether it comes up with what is left can only be seen while something is gone.
  void check_cold_start(const Node* entry) {
    const Node* within = child(child(entry, "cold-start"), "within");
    positive(within, "within");
    const Duration at = duration_of(child(entry, "at"), Duration{0}),
                   last = at + duration_of(within, ColdStart{}.within), end = end_of_faults();
    if (end > Duration{0} && last > end)
      report_.add(within ? within->at : entry->at,
                  "this cold start may take until " + format_duration(last) +
                      " after T0, and the last fault ends at " + format_duration(end),
                  "start it earlier, or let the fault last longer");
  }

  void check_order(const Node* order) {
    std::map<std::string, Location> seen;
    size_t step = 0;
    const auto check = [&](const Node& role) {
      const auto [first, is_new] = seen.emplace(role.text, role.at);
      if (!is_new)
        report_.add(role.at, role.text + " comes back twice", "the first is at " + first->second.text());
      if (role.text == "network" && step > 0)
        report_.add(role.at, "the network comes back before everything else",
                    "write it first, or leave it out");
    };
    for (const NodePtr& item : items_of(order)) {
      if (item->kind == Node::Kind::kScalar) check(*item);
      for (const NodePtr& role : items_of(item.get())) check(*role);
      ++step;
    }
  }

  // Whoever may end a drill has nothing else to think of.
  void check_roles(const Node* roles) {
    const std::vector<std::string> commanders = texts_of(child(roles, "commander"));
    const Node* safety = child(roles, "safety");
    for (const std::string& name : texts_of(safety))
      if (std::find(commanders.begin(), commanders.end(), name) != commanders.end())
        report_.add(safety->at, name + " cannot be safety officer and commander",
                    "the safety officer watches the drill, the commander leads the response to it");
  }

  // A hypothesis is about the time in which faults last.
  void check_within(const Node* node) {
    const Duration end = end_of_faults();
    const auto within = duration_of(node);
    if (within && end > Duration{0} && *within >= end)
      report_.add(node->at,
                  "within must be shorter than the " + format_duration(end) + " in which faults last",
                  "when they have ended nobody can say any more whether it would have been met");
  }

  void check_breaches(const Node* node) {
    if (!node || !fits(format::so_many_of(), *node)) return;
    const std::string text = text_of(node);
    if (std::stoi(text) > std::stoi(text.substr(text.find(" of ") + 4)))
      report_.add(node->at, "\"" + text + "\" never happens", "the first number is the smaller one");
  }

  void check_precondition(const Node* node) {
    probe_named(child(node, "probe"));
    positive(child(node, "over"), "over");
    at_least(child(node, "timeout"), "timeout", kShortestPeriod);
  }

  void check_records(const Node* node) {
    at_least(child(node, "every"), "every", kShortestPeriod);
    at_least(child(node, "timeout"), "timeout", kShortestPeriod);
    const Node* name = child(node, "name");
    if (name && !records_.insert(text_of(name)).second)
      report_.add(name->at, "there are two records \"" + text_of(name) + "\"");
    for (const char* side : {"write", "read"}) {
      const std::vector<std::string> words = texts_of(child(node, side));
      if (!words.empty() && std::none_of(words.begin(), words.end(), [](const std::string& word) {
            return word.find("{n}") != std::string::npos;
          }))
        report_.add(child(node, side)->at, std::string(side) + " does not say which record",
                    "{n} in an argument is its number");
    }
  }

  void check_windows(const Node* node) {
    for (const char* key : {"allowed", "blocked"})
      for (const NodePtr& item : items_of(child(node, key)))
        if (fits(format::window(), *item) && !parse_window(text_of(item.get())))
          report_.add(item->at, "the window \"" + text_of(item.get()) + "\" holds no time",
                      "its dates must exist and stand in order, and it must not end when it begins");
    const Node* zone = child(node, "zone");
    if (!zone || !fits(format::zone(), *zone)) return;
    const std::vector<std::string> known = zone_names();
    if (!std::binary_search(known.begin(), known.end(), text_of(zone)))
      report_.add(zone->at, "the tz database has no zone \"" + text_of(zone) + "\"",
                  suggest_near(text_of(zone), known));
  }

  void check_rest() {
    for (const char* key : {"watch", "within"}) positive(child(child(spec_, "recovery"), key), key);
    at_least(child(spec_, "lease"), "lease", kShortestLease);
    at_most_longest(child(spec_, "lease"), "lease");
    at_most_longest(child(child(spec_, "limits"), "duration"), "duration");
  }

  const Node* spec_;
  Reporter report_;
  std::map<std::string, Location> probes_;
  std::set<std::string> records_;
};

}  // namespace

void validate(const Document& document, Problems& problems) {
  Validator(document, problems).run();
}

}  // namespace blackstart
