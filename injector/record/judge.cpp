// SPDX-License-Identifier: Apache-2.0
#include "injector/record/judge.h"

#include <algorithm>

namespace blackstart {
namespace {

// All met, any not met, or unknown. One that failed outweighs one that is unknown.
std::optional<bool> all_met(const std::vector<std::optional<bool>>& each) {
  const std::optional<bool> no = false;
  if (std::find(each.begin(), each.end(), no) != each.end()) return false;
  if (std::find(each.begin(), each.end(), std::nullopt) != each.end()) return std::nullopt;
  return true;
}

Verdict recovery_verdict(const RunFacts& facts) {
  if (!facts.touched) return Verdict::kNone;
  if (facts.stranded) return Verdict::kStranded;
  if (!facts.never_well.empty()) return Verdict::kFail;
  if (!facts.asked) return Verdict::kNone;
  if (!facts.recovered) return Verdict::kInconclusive;
  return *facts.recovered ? Verdict::kPass : Verdict::kFail;
}

}  // namespace

Judgement judge(const RunFacts& facts) {
  const Verdict recovery = recovery_verdict(facts);
  const auto say = [&](Verdict verdict, int code, const std::string& reason) {
    return Judgement{verdict, recovery, code, reason};
  };
  if (facts.stranded)
    return say(Verdict::kStranded, kExitStranded,
               "a fault could not be taken back, or something was left behind");
  if (facts.error) return say(Verdict::kError, kExitInternal, "the conductor itself failed");
  if (facts.aborted) return say(Verdict::kAborted, kExitAborted, "the run was ended before its time");
  if (!facts.injected)
    return say(Verdict::kInconclusive, kExitInconclusive,
               "0 " + std::string(facts.missed) + " matched: nothing was injected");

  const std::optional<bool> met = all_met(facts.hypothesis);
  if (facts.recovered == std::optional<bool>(false))
    return say(Verdict::kFail, kExitFail, "the steady state did not come back");
  if (!facts.never_well.empty())
    return say(Verdict::kFail, kExitFail, "something that was killed was started again and is not well");
  if (met == std::optional<bool>(facts.expect_failure))
    return facts.expect_failure
               ? say(Verdict::kPass, kExitFail, "the hypothesis held, although this drill expects it to fail")
               : say(Verdict::kFail, kExitFail, "the hypothesis failed");
  if (!facts.gaps.empty()) return say(Verdict::kInconclusive, kExitInconclusive, facts.gaps.front());
  if (!facts.asked && facts.hypothesis.empty())
    return say(Verdict::kPass, kExitPass,
               "the cut happened and was taken back; nothing was asked of the system");
  if (met && facts.recovered)
    return facts.expect_failure
               ? say(Verdict::kFail, kExitPass,
                     "the hypothesis failed, as this drill expects; the steady state came back")
               : say(Verdict::kPass, kExitPass,
                     facts.hypothesis.empty() ? "no hypothesis was asked; the steady state came back"
                                              : "the hypothesis held and the steady state came back");
  return say(Verdict::kInconclusive, kExitInconclusive,
             met ? "whether the steady state came back is not known: data is missing"
                 : "whether the hypothesis held is not known: data is missing");
}

}  // namespace blackstart
