// SPDX-License-Identifier: Apache-2.0
// The return of what the faults killed: stage after stage, at the pace, each stage well before the next one
// begins. Decides what is due; the conductor asks the agents.
//
//   an instance    waits for its stage, for a person where its return is manual, and for the pace
//   a stage        begins when every instance of the one before it is well, or needs no start
//   patience       recovery.within: for people, from the moment a stage begins; for the stage to be well,
//                  from its last start. Past it the conductor goes on, and says so.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "injector/conduct/way_back.h"
#include "injector/experiment/experiment.h"
#include "injector/plan/plan.h"
#include "injector/record/run_stand.h"
#include "injector/record/said_returns.h"

namespace blackstart {

class Returns {
 public:
  // The plan outlives it.
  Returns(const Plan& plan, const Recovery& recovery);

  struct Coming {
    PlanReturn instance;
    size_t stage = 0;  // from 1
    std::string step;  // what the pace counts it with
    std::string by;    // "": not started by this run's conductor, or not yet
    std::string asked_by;
    UnixNs due = 0, asked = 0;
    UnixNs sent = 0;        // when its agent was last told to start it
    bool given_up = false;  // it was not well when the patience with its stage ran out
  };

  // May be said at any time; what nobody has to say, or what is on its way, is passed over.
  void say(const SaidReturn& said);

  struct Step {
    std::map<std::string, std::vector<std::string>> start;  // services by host
    std::vector<std::string> began;                         // stages, in words
    std::vector<std::string> told;                          // patience that ran out
  };
  [[nodiscard]] Step step(UnixNs now, const Reports& reports, const ImpactWatch::Checks& checks);

  [[nodiscard]] bool empty() const { return coming_.empty(); }
  [[nodiscard]] bool over() const { return stage_ > stages_; }
  // For people alone; as of the last step.
  [[nodiscard]] const std::optional<ReturnWait>& wait() const { return wait_; }
  // "stage 2 of 3 (database): 1 of 4 on its way"; "" before the first and after the last.
  [[nodiscard]] std::string where() const;
  [[nodiscard]] const std::vector<Coming>& all() const { return coming_; }

 private:
  void begin(size_t stage, UnixNs now, Step& out);
  void lose_patience_with_people(UnixNs now, Step& out);
  void start_what_is_due(UnixNs now, const Reports& reports, const ImpactWatch::Checks& checks, Step& out);
  void see_who_waits(const Reports& reports, const ImpactWatch::Checks& checks);
  [[nodiscard]] std::string name_of(size_t stage) const;

  const Plan& plan_;
  Duration interval_{0};  // between two steps of the pace
  Duration patience_;
  std::vector<Coming> coming_;  // in the order of the stages
  size_t stages_ = 0, stage_ = 0;
  UnixNs began_ = 0, last_start_ = 0;  // of the stage under way
  UnixNs next_ = 0;                    // the pace allows nothing before
  std::optional<ReturnWait> wait_;
};

// "stage 2 of 3 (cache) waits for somebody: blackstart return photos; until T0 + 3m at the latest"
[[nodiscard]] std::string in_words(const ReturnWait& wait, UnixNs t0);

}  // namespace blackstart
