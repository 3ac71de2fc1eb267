// SPDX-License-Identifier: Apache-2.0
// What the windows of an experiment mean at a moment. The clock on the wall of their zone decides: an
// hour that a change of the clock repeats is inside twice, one that it skips never comes.
//
//   auto calendar = Calendar::make(experiment.windows);
//   if (const auto standing = calendar->at(unix_now()); !standing.open) ... standing.why
//
// Pure but for the tz database of the system, and the one user of its library.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/contract/result.h"
#include "agents/contract/units.h"
#include "injector/experiment/windows.h"

namespace date {
class time_zone;
}

namespace blackstart {

// Every zone the tz database knows, sorted; empty: there is no database.
std::vector<std::string> zone_names();

class Calendar {
 public:
  // Fails with kInvalid for a zone the tz database does not know.
  [[nodiscard]] static Result<Calendar> make(const Windows& windows);

  struct Standing {
    bool open = false;
    std::string why;  // open: the window; closed: what blocks, or that no allowed window is open
  };
  [[nodiscard]] Standing at(UnixNs moment) const;
  // The first moment after `from` at which `open` is no longer what it is now; nullopt: not within
  // three years.
  [[nodiscard]] std::optional<UnixNs> changes(UnixNs from) const;
  // The first moment at or after `from` from which a drill of this length may run to its end; nullopt: not
  // within three years.
  [[nodiscard]] std::optional<UnixNs> next_opening(UnixNs from, Duration length) const;

  [[nodiscard]] std::string local(UnixNs moment) const;  // "Mon 2026-11-23 09:00 KST"

 private:
  Calendar(Windows windows, const date::time_zone* zone) : windows_(std::move(windows)), zone_(zone) {}

  Windows windows_;
  const date::time_zone* zone_;  // of the library's database, which lives as long as the process
};

// For people: "now is inside Mon-Fri 09:00-18:00, until Mon 2026-11-23 18:00 KST".
std::string standing_text(const Calendar& calendar, UnixNs now, Duration length);

}  // namespace blackstart
