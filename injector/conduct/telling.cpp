// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/telling.h"

#include <algorithm>

namespace blackstart {

std::vector<std::string> hurt_already(const std::vector<std::string>& down,
                                      const std::vector<std::string>& degraded) {
  std::vector<std::string> sentences;
  const auto say = [&](const std::vector<std::string>& services, const std::string& where,
                       const std::string& unless) {
    if (services.empty()) return;
    std::string names;
    for (const std::string& name : services) names += (names.empty() ? "" : ", ") + name;
    const bool one = services.size() == 1;
    sentences.push_back(names + (one ? " does" : " do") + " not answer" + where +
                        " before anything is touched: " + unless + "what happens to " +
                        (one ? "it" : "them") + " says nothing");
  };
  say(down, "", "");
  say(degraded, " everywhere", "short of going down, ");
  return sentences;
}

void Telling::enter(const std::string& phase, Duration expected) {
  leave();
  phase_ = phase;
  phase_start_ = options_.now();
  expected_ = expected;
  detail_.clear();
  wait_.reset();
  outcome_.phases.push_back({phase, phase_start_, 0});
  event("phase", {{"phase", phase}});
  options_.observer->progress({phase, "", Duration{0}, expected, {}, {}, {}});
}

void Telling::leave() {
  if (!outcome_.phases.empty() && outcome_.phases.back().end == 0)
    outcome_.phases.back().end = options_.now();
}

void Telling::event(const std::string& type, const nlohmann::json& data) {
  options_.observer->event(options_.now(), type, data);
}

void Telling::detail(const std::string& text) {
  if (text != detail_ && !text.empty()) line(text);
  detail_ = text;
}

void Telling::note(const std::string& text) {
  if (std::find(outcome_.notes.begin(), outcome_.notes.end(), text) == outcome_.notes.end())
    outcome_.notes.push_back(text);
}

void Telling::warn(const std::string& text) {
  note(text);
  line("! " + text);
}

void Telling::mark(OutcomeMark mark) {
  event("mark",
        {{"mark", mark.mark}, {"at", rfc3339(mark.at)}, {"source", mark.source}, {"note", mark.note}});
  line("mark: " + mark.mark + " (" + mark.source + ")");
  outcome_.marks.push_back(std::move(mark));
}

void Telling::return_asked(const SaidReturn& said) {
  event("return-asked", {{"what", said.what}, {"by", said.by}, {"at", rfc3339(said.at)}});
  line("return: " + said.what + " (" + said.by + ")");
}

void Telling::progress(RunProgress progress) {
  progress.phase = phase_;
  progress.detail = detail_;
  progress.wait = wait_;
  progress.elapsed = Duration(options_.now() - phase_start_);
  progress.expected = expected_;
  options_.observer->progress(progress);
}

PreconditionTold Telling::of_preconditions() {
  return [this](const OutcomePrecondition& told) {
    if (told.precondition == kWindowsPrecondition)
      event("window", {{"open", told.met}, {"standing", told.answer}, {"override", told.overridden}});
    else
      event("precondition", {{"precondition", told.precondition},
                             {"for", told.purpose},
                             {"met", told.met},
                             {"why", told.answer}});
    outcome_.preconditions.push_back(told);
  };
}

}  // namespace blackstart
