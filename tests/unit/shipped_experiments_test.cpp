// SPDX-License-Identifier: Apache-2.0
// What is shipped under experiments/: every file is valid, every drill can be planned on its lab and all
// variants of that, the finished bridge changes what is predicted, and a -ci variant asks the same question
// as its long form and is over in a minute, whatever comes of it.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "injector/conduct/records.h"
#include "injector/experiment/load.h"
#include "injector/plan/make_plan.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

const fs::path kShipped = fs::path(BLACKSTART_SOURCE_DIR) / "experiments";
const std::string kCi = "-ci";
const fs::path kMessenger = kShipped / "labs/messenger.yaml",
               kBridged = kShipped / "labs/messenger-bridged.yaml";

std::vector<fs::path> labs() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kShipped / "labs"))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  return files;
}

// The lab and its variants, which are named after it: messenger, messenger-bridged.
std::vector<fs::path> family_of(const fs::path& lab) {
  std::vector<fs::path> family;
  for (const fs::path& each : labs())
    if (each.stem() == lab.stem() || each.stem().string().starts_with(lab.stem().string() + "-"))
      family.push_back(each);
  return family;
}

std::vector<fs::path> drills() {
  std::vector<fs::path> files;
  for (auto entry = fs::recursive_directory_iterator(kShipped); entry != fs::end(entry); ++entry) {
    if (entry->path() == kShipped / "labs") entry.disable_recursion_pending();
    if (entry->path().extension() == ".yaml") files.push_back(entry->path());
  }
  return files;
}

std::string text_of(const Problems& problems) {
  std::string text;
  for (const Problem& problem : problems)
    text += problem.at.text() + ": " + problem.message + " (" + problem.hint + ")\n";
  return text;
}

LoadedExperiment load(const fs::path& path, const std::string& topology = {}) {
  auto loaded = load_experiment(path, topology);
  EXPECT_TRUE(loaded) << text_of(loaded.error());
  return loaded ? *std::move(loaded) : LoadedExperiment{};
}

Plan plan_of(const fs::path& path, const fs::path& lab) {
  const LoadedExperiment loaded = load(path, lab);
  EXPECT_EQ(loaded.topology.name, lab.stem());
  auto plan = make_plan(loaded.topology, loaded.experiment);
  EXPECT_TRUE(plan) << text_of(plan.error());
  return plan ? *std::move(plan) : Plan{};
}

bool is_ci(const fs::path& path) {
  return path.stem().string().ends_with(kCi);
}

fs::path long_form_of(const fs::path& ci) {
  const std::string stem = ci.stem();
  return ci.parent_path() / (stem.substr(0, stem.size() - kCi.size()) + ".yaml");
}

// All of an experiment but its name and its windows.
std::vector<std::string> question_of(const Experiment& experiment) {
  std::vector<std::string> parts{experiment.summary, experiment.origin, std::to_string(experiment.seed),
                                 experiment.topology};
  for (const ProbeSpec& probe : experiment.probes)
    parts.push_back(probe.probe.ShortDebugString() + " from " + probe.from + " weighs " +
                    std::to_string(probe.weight));
  for (const FaultSpec& fault : experiment.faults) {
    parts.push_back(fault.kind + " " + fault.selector.site + " " + fault.selector.service);
    for (const std::string& side : fault.between) parts.push_back("between " + side);
  }
  for (const Hypothesis& hypothesis : experiment.hypothesis)
    parts.push_back(hypothesis.probe + " " + hypothesis.success_ratio.value().text);
  for (const RecordsSpec& records : experiment.records)
    parts.push_back(records.write.probe.ShortDebugString() + " read by " +
                    records.read.probe.ShortDebugString());
  for (const Guard& guard : experiment.guards)
    parts.push_back(guard.probe + (guard.success_ratio ? " " + guard.success_ratio->text : guard.text));
  parts.push_back(experiment.expect == Expect::kPass ? "pass" : "fail");
  return parts;
}

// How long asking for what was written all along takes.
Duration read_back_of(const Experiment& experiment) {
  Duration longest{0};
  for (const RecordsSpec& records : experiment.records)
    longest = std::max<Duration>(
        longest, kReadEvery * ((experiment.steady_for + experiment.end() + experiment.recovery.watch) /
                               Duration(records.write.probe.every_ns())));
  return longest;
}

// host → 10 % → rack → site.
TEST(Examples, ADrillWidensInStages) {
  const auto loaded = load_experiment(BLACKSTART_SOURCE_DIR "/tests/support/examples/guarded.yaml");
  ASSERT_TRUE(loaded) << text_of(loaded.error());
  const auto plan = make_plan(loaded->topology, loaded->experiment);
  ASSERT_TRUE(plan) << text_of(plan.error());
  using Hosts = std::vector<std::string>;
  ASSERT_EQ(plan->faults.size(), 4u);
  EXPECT_EQ(plan->faults[0].targets, Hosts{"pangyo-cache-1"});
  EXPECT_EQ(plan->faults[1].targets.size(), 1u);
  EXPECT_EQ(plan->faults[2].targets, Hosts{"pangyo-app-1"});
  EXPECT_EQ(plan->faults[3].targets, (Hosts{"pangyo-app-1", "pangyo-cache-1"}));
  EXPECT_EQ(plan->preconditions.size(), 7u);
  EXPECT_EQ(plan->windows.allowed.size(), 2u);
  EXPECT_EQ(plan->length, std::chrono::seconds(70));
}

TEST(ShippedExperiments, EveryLabIsValid) {
  ASSERT_GE(labs().size(), 2u);
  for (const fs::path& path : labs()) {
    const auto topology = load_topology(path);
    ASSERT_TRUE(topology) << text_of(topology.error());
    EXPECT_EQ(topology->name, path.stem());
  }
}

TEST(ShippedExperiments, EveryDrillIsPlannedOnEveryVariantOfItsLab) {
  ASSERT_GE(drills().size(), 8u);
  for (const fs::path& path : drills()) {
    const LoadedExperiment own = load(path);
    EXPECT_EQ(own.experiment.name, path.stem());
    const auto family = family_of(own.experiment.topology);
    EXPECT_THAT(family, testing::Not(testing::IsEmpty()));
    for (const fs::path& lab : family) {
      SCOPED_TRACE(path.string() + " on " + lab.string());
      const Plan plan = plan_of(path, lab);
      EXPECT_FALSE(plan.orders.empty());
      EXPECT_THAT(plan.warnings, testing::IsEmpty());
    }
  }
}

TEST(ShippedExperiments, ALabsVariantsAreItsFamily) {
  EXPECT_THAT(family_of(kMessenger), testing::UnorderedElementsAre(kMessenger, kBridged));
  EXPECT_THAT(family_of(kBridged), testing::ElementsAre(kBridged));
}

// Journeys by name → what the plan says of the services behind them.
struct Prediction {
  const char* drill;
  std::map<std::string, Impact> messenger, bridged;
};

TEST(ShippedExperiments, TheFinishedBridgeChangesThePrediction) {
  using enum Impact;
  const Prediction predictions[] = {
      {"site/pangyo-blackhole.yaml",
       {{"login", kDown}, {"send", kDegraded}, {"photo", kDown}, {"monitoring", kDown}, {"deploy", kDown}},
       {{"login", kDegraded},
        {"send", kDegraded},
        {"photo", kDegraded},
        {"monitoring", kDegraded},
        {"deploy", kDown}}},
      {"site/anyang-partition.yaml",
       {{"login", kDegraded}, {"send", kUnaffected}, {"photo", kDegraded}},
       {{"login", kUnaffected}, {"send", kUnaffected}, {"photo", kUnaffected}}},
      {"parts/single-site-cache-loss.yaml",
       {{"login", kDown}, {"send", kUnaffected}, {"photo", kUnaffected}},
       {{"login", kDegraded}, {"send", kUnaffected}, {"photo", kUnaffected}}},
      {"parts/object-storage-loss.yaml",
       {{"login", kUnaffected}, {"send", kUnaffected}, {"photo", kDown}},
       {{"login", kUnaffected}, {"send", kUnaffected}, {"photo", kDegraded}}},
  };
  for (const Prediction& prediction : predictions) {
    SCOPED_TRACE(prediction.drill);
    const auto on_messenger = plan_of(kShipped / prediction.drill, kMessenger).predicted;
    const auto on_bridged = plan_of(kShipped / prediction.drill, kBridged).predicted;
    for (const auto& [service, impact] : prediction.messenger)
      EXPECT_EQ(on_messenger.at(service).impact, impact) << service;
    for (const auto& [service, impact] : prediction.bridged)
      EXPECT_EQ(on_bridged.at(service).impact, impact) << service;
  }
}

TEST(ShippedExperiments, CiVariantAsksTheSameInUnderAMinute) {
  size_t seen = 0;
  for (const fs::path& path : drills()) {
    if (!is_ci(path)) continue;
    SCOPED_TRACE(path);
    const Experiment ci = load(path).experiment;
    EXPECT_THAT(question_of(ci), testing::ElementsAreArray(question_of(load(long_form_of(path)).experiment)));
    EXPECT_LT(ci.steady_for + ci.end() + ci.recovery.watch + read_back_of(ci), 50s)
        << "arming and the return need the rest of the minute";
    EXPECT_LT(ci.steady_for + ci.end() + ci.recovery.within + ci.recovery.watch + read_back_of(ci), 60s)
        << "a recovery that fails is told in time too";
    for (const Hypothesis& hypothesis : ci.hypothesis)
      EXPECT_LT(hypothesis.within + hypothesis.over, ci.end());
    ++seen;
  }
  EXPECT_GE(seen, 4u);
}

}  // namespace
}  // namespace blackstart
