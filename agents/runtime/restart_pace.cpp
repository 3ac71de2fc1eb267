// SPDX-License-Identifier: Apache-2.0
#include "agents/runtime/restart_pace.h"

#include <sstream>

namespace blackstart {

Duration RestartPace::next(int64_t now) {
  while (!restarts_.empty() && restarts_.front() < now - kWithin.count()) restarts_.pop_front();
  const Duration pause = restarts_.size() < kAtOnce ? Duration::zero() : kPause;
  restarts_.push_back(now + pause.count());
  if (restarts_.size() > kAtOnce) restarts_.pop_front();
  return pause;
}

RestartPace RestartPace::from_text(const std::string& text) {
  RestartPace out;
  std::istringstream moments(text);
  for (int64_t moment; out.restarts_.size() < kAtOnce && moments >> moment;) out.restarts_.push_back(moment);
  return out;
}

std::string RestartPace::text() const {
  std::ostringstream out;
  for (const int64_t moment : restarts_) out << moment << ' ';
  return out.str();
}

}  // namespace blackstart
