// SPDX-License-Identifier: Apache-2.0
// An ad-hoc drill: writes the experiment it stands for, then goes the way every experiment goes.
#include <filesystem>
#include <iostream>

#include "agents/language/read_file.h"
#include "injector/cli/drill.h"
#include "injector/experiment/load.h"
#include "injector/lab/lab.h"

namespace blackstart::cli {
namespace {

// The name of the experiment in memory; no such file is read.
constexpr const char* kAdHoc = "ad-hoc.yaml";

// A double-quoted YAML scalar.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string experiment_yaml(const Invocation& invocation, const std::string& site,
                            const std::string& topology) {
  const auto& options = invocation.options;
  const std::string duration = options["for"].as<std::string>();
  std::string fault = "{at: 0s, fault: site-blackhole, " +
                      std::string(options.count("host") ? "host: " : "site: ") + quoted(site) +
                      ", for: " + quoted(duration) +
                      ", direction: " + quoted(options["direction"].as<std::string>());
  fault += ", manner: " + quoted(options["manner"].as<std::string>());
  if (options.count("except")) {
    fault += ", except: [";
    for (const auto& entry : options["except"].as<std::vector<std::string>>())
      fault += (fault.back() == '[' ? "" : ", ") + quoted(entry);
    fault += "]";
  }
  return "apiVersion: blackstart/v1\n"
         "kind: Experiment\n"
         "metadata:\n"
         "  name: ad-hoc-blackhole\n"
         "  summary: " +
         quoted("Everything to and from " + site + " disappears for " + duration + ".") +
         "\n"
         "spec:\n"
         "  topology: " +
         quoted(topology) +
         "\n"
         "  timeline:\n"
         "    - " +
         fault +
         "}\n"
         "  recovery: {watch: 1s}\n";
}

// The topology named, or that of the only lab that is up.
Result<std::string> topology_file(const Invocation& invocation) {
  if (invocation.options.count("topology"))
    return std::filesystem::absolute(invocation.options["topology"].as<std::string>()).string();
  const auto lab = lab::Lab::find("");
  if (!lab)
    return fail(ErrorKind::kInvalid, "choose a topology", "", 0, "--topology FILE, or bring one lab up");
  return lab->blueprint().topology_file;
}

}  // namespace

void declare_blackhole(po::options_description& options) {
  auto add = options.add_options();
  add("for", po::value<std::string>()->required()->value_name("DURATION"), "how long; required");
  add("host", "the name is a host, not a site");
  add("direction", po::value<std::string>()->default_value("both")->value_name("both|in|out"),
      "seen from the site");
  add("manner",
      po::value<std::string>()->default_value("silent")->value_name("silent|reset|unreachable|deny"),
      "how it shows to a victim");
  add("except", po::value<std::vector<std::string>>()->composing()->value_name("NAME"),
      "a host, service, site or prefix that stays reachable");
  add("topology", po::value<std::string>()->value_name("FILE"),
      "the topology; left out: that of the lab that is up");
  add("print", "print the experiment this stands for, and do nothing");
  declare_drill(options);
}

int run_blackhole(const Invocation& invocation) {
  if (invocation.arguments.size() != 1) return usage_error("blackhole", "expected one site");
  const auto topology = topology_file(invocation);
  if (!topology) return report(topology.error(), invocation.json);
  const std::string text = experiment_yaml(invocation, invocation.arguments[0], *topology);
  if (invocation.options.count("print")) {
    std::cout << text;
    return 0;
  }
  const auto loaded = load_experiment(kAdHoc, {}, [&](const std::string& path) -> Result<std::string> {
    if (path == kAdHoc) return text;
    return read_file(path);
  });
  if (!loaded) return report(loaded.error(), invocation.json);
  return drill(loaded->experiment, loaded->topology, invocation);
}

}  // namespace blackstart::cli
