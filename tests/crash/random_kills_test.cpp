// SPDX-License-Identifier: Apache-2.0
// Kills at random moments. BLACKSTART_RANDOM_KILLS says how many (30), BLACKSTART_SEED from which seed;
// results/random_kills_N.json in the build folder keeps the figures.
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>

#include <nlohmann/json.hpp>

#include "tests/crash/agent_under_test.h"

namespace blackstart {
namespace {

using namespace test;

uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

class RandomKills : public AgentUnderTest {};

TEST_F(RandomKills, LeaveNothing) {
  proves("S2,S8");
  const uint64_t kills = from_environment("BLACKSTART_RANDOM_KILLS", 30);
  const uint64_t seed = from_environment("BLACKSTART_SEED", std::random_device()());
  std::printf("seed %lu\n", seed);
  std::mt19937_64 random(seed);
  const auto below = [&](uint64_t end) { return random() % end; };

  std::vector<int64_t> healthy_ms;
  size_t residues = 0;
  for (uint64_t i = 0; i < kills; ++i) {
    start();
    ASSERT_TRUE(wait_until_it_answers()) << "kill " << i << ", seed " << seed << "\n" << log();
    const auto attachment = below(2) ? contract::ATTACHMENT_TCX : contract::ATTACHMENT_CLSACT;
    // The kill falls somewhere into arming, firing, and what is behind it.
    const milliseconds delay(below(120));
    const uint64_t victim = below(3);
    const AgentProcesses was = processes();
    std::thread killer([&] {
      std::this_thread::sleep_for(delay);
      if (victim != 1) ::kill(was.agent, SIGKILL);
      if (victim != 0) ::kill(was.sentinel, SIGKILL);
    });
    const contract::Order packets = order(60s, attachment);
    if (arm(below(2) ? with_processes(packets) : packets)) (void)fire();
    killer.join();
    if (victim == 1) ::kill(was.agent, SIGKILL);  // with the next sentinel there or not
    const auto healed = until_healthy(2000ms);
    ASSERT_TRUE(healed) << "kill " << i << ", seed " << seed;
    healthy_ms.push_back(healed->count());
    EXPECT_LE(*healed, patience(kNetworkHeals)) << "kill " << i << ", seed " << seed;
    // Whoever is left tidies up; if nobody is, the next start does.
    (void)until(kRestHeals, [this] { return all_gone() || whole(); });
    if (all_gone()) start();
    EXPECT_TRUE(until(2000ms, [this] { return whole(); })) << "kill " << i << ", seed " << seed;
    if (!until(kRestHeals, [this] { return processes_well(); }) || !journal_empty() ||
        inventory() != before_) {
      ++residues;
      ADD_FAILURE() << "residue after kill " << i << ", seed " << seed << ":\n" << inventory();
    }
    end();
  }
  std::sort(healthy_ms.begin(), healthy_ms.end());
  const int64_t median = healthy_ms[healthy_ms.size() / 2], worst = healthy_ms.back();
  std::printf("%lu kills: healthy after %ld ms (median), %ld ms (max); residue %zu\n", kills, median, worst,
              residues);
  std::ofstream(BLACKSTART_BINARY_DIR "/results/random_kills_" + std::to_string(kills) + ".json")
      << nlohmann::json{{"kills", kills},
                        {"seed", seed},
                        {"median_ms", median},
                        {"max_ms", worst},
                        {"residue", residues}}
             .dump(2)
      << "\n";
}

}  // namespace
}  // namespace blackstart
