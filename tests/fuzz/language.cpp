// SPDX-License-Identifier: Apache-2.0
// A file of the language, from bytes to a plan: whatever it holds, it is planned or refused.
#include "agents/language/read_file.h"
#include "injector/experiment/load.h"
#include "injector/plan/make_plan.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace blackstart;

constexpr const char* kInput = "input.yaml";
constexpr const char* kTopology = BLACKSTART_SOURCE_DIR "/tests/fuzz/topology.yaml";

void require_located(const Problems& problems) {
  fuzz::require(!problems.empty(), "what is refused has a problem");
  for (const Problem& problem : problems) {
    fuzz::require(!problem.at.file.empty(), "every problem names its file");
    fuzz::require(!problem.message.empty(), "every problem says what is wrong");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto topology = *read_file(kTopology);
  const std::string text = fuzz::text_of(data, size);
  const ReadFile read = [&](const std::string& path) -> Result<std::string> {
    return path == kInput ? text : topology;
  };
  if (kind_of_file(kInput, read) == "Topology") {
    const auto loaded = load_topology(kInput, read);
    if (!loaded) require_located(loaded.error());
    return 0;
  }
  const auto loaded = load_experiment(kInput, kTopology, read);
  if (!loaded) {
    require_located(loaded.error());
    return 0;
  }
  const auto plan = make_plan(loaded->topology, loaded->experiment, {});
  if (!plan) {
    require_located(plan.error());
    return 0;
  }
  fuzz::require(!plan->hash.empty(), "every plan has a hash");
  for (const auto& [host, order] : plan->orders)
    fuzz::require(order.host() == host, "every order names its host");
  return 0;
}
