// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/ad_hoc.h"

#include <filesystem>
#include <iostream>

#include "agents/language/read_file.h"
#include "injector/cli/drill.h"
#include "injector/experiment/load.h"
#include "injector/lab/lab.h"

namespace blackstart::cli {
namespace {

// The name of the experiment in memory, as mistakes are told of it; no such file is read.
constexpr const char* kFile = "(what --print shows)";

std::string experiment_yaml(const AdHoc& drill, const std::string& duration, const std::string& topology) {
  return "apiVersion: blackstart/v1\n"
         "kind: Experiment\n"
         "metadata:\n"
         "  name: " +
         drill.name +
         "\n"
         "  summary: " +
         quoted(drill.summary) +
         "\n"
         "spec:\n"
         "  topology: " +
         quoted(topology) +
         "\n"
         "  timeline:\n"
         "    - {at: 0s, " +
         drill.fault + ", for: " + quoted(duration) + "}\n" +
         (drill.unprotect.empty() ? "" : "  unprotect: " + quoted(drill.unprotect) + "\n") +
         "  recovery: {watch: 1s}\n";
}

Error several_are_up(const std::vector<std::string>& labs) {
  std::string list;
  for (const std::string& name : labs) {
    const auto lab = lab::Lab::find(name);
    list += (list.empty() ? "" : ", ") + name + (lab ? ": --topology " + lab->blueprint().topology_file : "");
  }
  return {ErrorKind::kInvalid, "choose a topology: " + std::to_string(labs.size()) + " labs are up", "", 0,
          list};
}

// The topology named, or that of the only lab that is up.
Result<std::string> topology_file(const Invocation& invocation) {
  if (invocation.options.count("topology"))
    return std::filesystem::absolute(invocation.options["topology"].as<std::string>()).string();
  const std::vector<std::string> labs = lab::Lab::names();
  if (labs.empty())
    return fail(ErrorKind::kInvalid, "choose a topology", "", 0, "--topology FILE, or bring a lab up");
  if (labs.size() > 1) return tl::unexpected(several_are_up(labs));
  const auto lab = lab::Lab::find(labs.front());
  if (!lab) return tl::unexpected(lab.error());
  return lab->blueprint().topology_file;
}

}  // namespace

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string quoted(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + quoted(text);
  return out + "]";
}

void declare_ad_hoc(po::options_description& options) {
  auto add = options.add_options();
  add("for", po::value<std::string>()->required()->value_name("DURATION"), "how long; required");
  add("topology", po::value<std::string>()->value_name("FILE"),
      "the topology; left out: that of the lab that is up");
  add("print", "print the experiment this stands for, and do nothing");
  declare_drill(options);
}

int run_ad_hoc(const AdHoc& ad_hoc, const Invocation& invocation) {
  const auto topology = topology_file(invocation);
  if (!topology) return report(topology.error(), invocation.json);
  const std::string text = experiment_yaml(ad_hoc, invocation.options["for"].as<std::string>(), *topology);
  if (invocation.options.count("print")) {
    std::cout << text;
    return 0;
  }
  const auto loaded = load_experiment(kFile, {}, [&](const std::string& path) -> Result<std::string> {
    if (path == kFile) return text;
    return read_file(path);
  });
  if (!loaded) return report(loaded.error(), invocation.json);
  return drill(loaded->experiment, loaded->topology, invocation, true);
}

}  // namespace blackstart::cli
