// SPDX-License-Identifier: Apache-2.0
#include "agents/daemon/inventory.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <map>

#include <boost/program_options.hpp>
#include <nlohmann/json.hpp>

#include "agents/daemon/commands.h"
#include "agents/inventory/inventory.h"
#include "agents/kernel/named_netns.h"
#include "agents/kernel/netns.h"
#include "agents/runtime/reaper.h"

namespace blackstart {
namespace {

namespace po = boost::program_options;

namespace fs = std::filesystem;

constexpr int kExitClean = 0;
constexpr const char* kLabs = "/run/blackstart/lab";  // LAB/hosts/HOST/agent holds an agent's state

struct Found {
  std::string netns;  // "": the machine's own, or no namespace's at all
  Item item;
};

struct Inventory {
  std::vector<Found> found;
  std::vector<std::string> unknown;  // what could not be looked at, and why

  void add(const std::string& netns, const Snapshot& snapshot) {
    const std::string where = netns.empty() ? "" : netns + ": ";
    for (const auto& [kind, what] : snapshot.kinds)
      if (!what.gap.empty()) unknown.push_back(where + kind + ": " + what.gap);
    for (const Item& item : snapshot.items)
      if (item.ours) found.push_back({netns, item});
  }

  [[nodiscard]] int exit_code() const {
    const auto abandoned = [](const Found& each) { return each.item.holder.empty(); };
    if (std::any_of(found.begin(), found.end(), abandoned)) return kExitStranded;
    return unknown.empty() ? kExitClean : kExitMissing;
  }
};

// Folders to look into for a journal: those asked for, or where agents of this machine and of labs keep
// theirs.
std::vector<std::string> state_folders(const std::vector<std::string>& asked) {
  if (!asked.empty()) return asked;
  std::vector<std::string> folders;
  const auto add = [&](const fs::path& folder) {
    if (::access((folder / "journal").c_str(), F_OK) == 0 || errno != ENOENT) folders.push_back(folder);
  };
  add(Policy{}.state);
  std::error_code none;
  for (const auto& lab : fs::directory_iterator(kLabs, none)) {
    std::error_code ignored;
    for (const auto& host : fs::directory_iterator(lab.path() / "hosts", ignored)) add(host.path() / "agent");
  }
  return folders;
}

// What stands in a journal, one object for each network namespace that lives. The kernel may not say of it
// that it is ours: a qdisc bears no name.
void add_journal(Inventory& all, const std::string& folder) {
  const auto standing = Journal::look(folder);
  if (!standing) {
    all.unknown.push_back(standing.error().message());
    return;
  }
  const std::string boot = boot_id();
  std::map<uint64_t, std::string> steps;
  for (const StandingStep& one : *standing) {
    if (one.place.boot_id != boot) continue;
    std::string& text = steps[one.place.netns];
    text += (text.empty() ? "" : ", ") + describe(one.step) + " of run " + one.run;
  }
  for (const auto& [netns, text] : steps) {
    const auto there = living_netns(netns);
    if (!there) continue;  // it went with its namespace
    all.found.push_back({there->name,
                         {.kind = "journal",
                          .object = folder,
                          .detail = text,
                          .ours = true,
                          .remove = there->way_in + "blackstart-agent reap --state " + folder,
                          .holder = StateFolder::claimed(folder) ? "the agent that is alive on it" : ""}});
  }
}

Inventory take_everywhere(const std::vector<std::string>& folders) {
  Inventory all;
  const std::string own = own_netns_name();
  all.add(
      own,
      take({.cgroup = "", .machine = true, .bpf = Scope::Bpf::kById, .holders = true, .only_named = true}));
  for (const std::string& name : named_netns()) {
    if (name == own) continue;
    const auto inside = NetnsScope::enter(name);
    if (inside)
      all.add(name, take({.bpf = Scope::Bpf::kNone, .holders = true, .only_named = true}));
    else if (netns_exists(name))  // it may have gone meanwhile
      all.unknown.push_back(inside.error().message());
  }
  for (const std::string& folder : folders) add_journal(all, folder);
  return all;
}

void print_text(const Inventory& all) {
  for (const Found& each : all.found) {
    const Item& item = each.item;
    std::cout << item.kind << " " << item.object;
    if (!item.detail.empty()) std::cout << " (" << item.detail << ")";
    if (!each.netns.empty()) std::cout << " in network namespace " << each.netns;
    std::cout << "\n    ";
    if (!item.holder.empty())
      std::cout << "held by " << item.holder << "\n";
    else if (item.remove.empty())
      std::cout << "it goes with what holds it\n";
    else
      std::cout << "remove it with: " << item.remove << "\n";
  }
  if (all.found.empty() && all.unknown.empty()) std::cout << "nothing of ours on this host\n";
  for (const std::string& gap : all.unknown) std::cerr << "not known: " << gap << "\n";
}

void print_json(const Inventory& all) {
  nlohmann::json out{{"kind", "Inventory"}, {"objects", nlohmann::json::array()}, {"unknown", all.unknown}};
  for (const Found& each : all.found)
    out["objects"].push_back({{"kind", each.item.kind},
                              {"object", each.item.object},
                              {"detail", each.item.detail},
                              {"netns", each.netns},
                              {"holder", each.item.holder},
                              {"remove", each.item.remove}});
  std::cout << out.dump(2) << "\n";
}

}  // namespace

void look_after_residue(RuntimeParts& parts, bool lab, const Journal& journal) {
  const auto scope = [lab, &journal] {
    Scope own = scope_of_agent(lab);
    for (const StandingStep& standing : journal.standing())
      if (standing.still_there(journal.here())) own.steps.push_back(standing.step);
    return own;
  };
  parts.residue = [scope] {
    Scope named = scope();
    named.only_named = true;
    return residue_lines(take(named));
  };
  parts.snapshot = [scope]() -> ChangesSince {
    return [scope, before = take(scope())] {
      std::vector<contract::Residue> changes;
      for (const Change& change : diff(before, take(scope()))) to_wire(change, &changes.emplace_back());
      return changes;
    };
  };
}

int take_inventory(const CommandLine& line) {
  std::string output;
  std::vector<std::string> folders;
  po::options_description all("options");
  all.add_options()("help,h", "print this text")("output", po::value(&output)->default_value("text"),
                                                 "text or json")(
      "state", po::value(&folders)->composing(),
      "a folder of an agent's state, to read its journal; may be given again (all known ones)");
  try {
    po::variables_map values;
    po::store(po::command_line_parser(line.words).options(all).positional({}).run(), values);
    po::notify(values);
    if (values.count("help")) {
      std::cout << "usage: blackstart-agent inventory [OPTIONS]\n\n"
                   "Lists everything of ours on this machine, in every named network namespace and in the\n"
                   "agents' journals, and the command that removes it. Exit code 0: nothing, or live "
                   "processes hold it; 7: something\n"
                   "nobody holds; 5: not everything could be looked at.\n\n"
                << all;
      return kExitClean;
    }
    if (output != "text" && output != "json") throw po::invalid_option_value(output);
  } catch (const po::error& error) {
    std::cerr << "blackstart-agent: " << error.what() << "\n    hint: blackstart-agent inventory --help\n";
    return kExitUsage;
  }
  const Inventory inventory = take_everywhere(state_folders(folders));
  output == "json" ? print_json(inventory) : print_text(inventory);
  return inventory.exit_code();
}

}  // namespace blackstart
