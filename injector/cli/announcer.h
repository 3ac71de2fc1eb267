// SPDX-License-Identifier: Apache-2.0
// Tells people what happens while it happens: a POST of JSON to a webhook, and lines of text.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "agents/contract/units.h"
#include "injector/experiment/experiment.h"
#include "injector/plan/plan.h"

namespace blackstart::cli {

// An event of a run as a sentence for people; nullopt: it is none of their business.
[[nodiscard]] std::optional<std::string> in_words(const Plan& plan, const Experiment& experiment,
                                                  const std::string& type, const nlohmann::json& data);

class Announcer {
 public:
  // What is asked for in the experiment; plan and experiment outlive it. `print` gets each line, if lines
  // are asked for.
  Announcer(const Plan& plan, const Experiment& experiment, std::string run,
            std::function<void(const std::string& line)> print);
  ~Announcer();  // as finish()
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;

  // Returns at once: what a webhook has not taken yet waits in a thread of its own, in the order it came.
  void event(UnixNs at, const std::string& type, const nlohmann::json& data);
  // Waits a few seconds for what is still on its way. What did not arrive, for the run's notes; "": all did.
  // The webhook is named by its host alone: the rest of its address may be a secret.
  [[nodiscard]] std::string finish();

 private:
  class Post;

  const Plan& plan_;
  const Experiment& experiment_;
  std::string run_;
  std::function<void(const std::string& line)> print_;
  std::unique_ptr<Post> post_;  // null: there is no webhook
};

}  // namespace blackstart::cli
