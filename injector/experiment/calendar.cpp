// SPDX-License-Identifier: Apache-2.0
#include "injector/experiment/calendar.h"

#include <date/tz.h>

#include <algorithm>
#include <set>

namespace blackstart {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr days kHorizon{3 * 366};

date::sys_seconds second_of(UnixNs moment) {
  return date::sys_seconds(std::chrono::floor<seconds>(Duration(moment)));
}

UnixNs moment_of(date::sys_seconds second) {
  return Duration(second.time_since_epoch()).count();
}

// What a clock on a wall shows.
struct Wall {
  std::chrono::sys_days day;
  minutes clock;
};

Wall wall(const date::time_zone& zone, UnixNs moment) {
  const auto local = zone.to_local(second_of(moment)).time_since_epoch();
  const auto day = std::chrono::floor<days>(local);
  return {std::chrono::sys_days(day), std::chrono::floor<minutes>(local - day)};
}

// The moments at which the clock shows this: none, one or two. Where it never does, the moment at which
// it jumps over it.
void add_moments(const date::time_zone& zone, std::chrono::sys_days day, minutes clock,
                 std::set<UnixNs>& moments) {
  const date::local_seconds local(day.time_since_epoch() + clock);
  const date::local_info info = zone.get_info(local);
  if (info.result == date::local_info::nonexistent) {
    moments.insert(moment_of(info.first.end));
    return;
  }
  moments.insert(moment_of(date::sys_seconds(local.time_since_epoch() - info.first.offset)));
  if (info.result == date::local_info::ambiguous) {
    moments.insert(moment_of(date::sys_seconds(local.time_since_epoch() - info.second.offset)));
    moments.insert(moment_of(info.first.end));  // the clock goes back, perhaps into the window again
  }
}

}  // namespace

std::vector<std::string> zone_names() {
  std::vector<std::string> names;
  try {
    const date::tzdb& database = date::get_tzdb();
    for (const date::time_zone& zone : database.zones) names.push_back(zone.name());
  } catch (const std::exception&) {
    names.clear();
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<Calendar> Calendar::make(const Windows& windows) {
  try {
    return Calendar(windows, date::locate_zone(windows.zone));
  } catch (const std::exception&) {
    return fail(ErrorKind::kInvalid, "find the time zone", windows.zone, 0,
                "it is not in this machine's tz database (package tzdata)");
  }
}

Calendar::Standing Calendar::at(UnixNs moment) const {
  const Wall now = wall(*zone_, moment);
  const auto holding = [&](const std::vector<TimeWindow>& windows) {
    return std::find_if(windows.begin(), windows.end(),
                        [&](const TimeWindow& window) { return window.holds(now.day, now.clock); });
  };
  if (const auto blocked = holding(windows_.blocked); blocked != windows_.blocked.end())
    return {false, "inside the blocked window " + blocked->text};
  if (windows_.allowed.empty()) return {true, "outside every blocked window"};
  if (const auto allowed = holding(windows_.allowed); allowed != windows_.allowed.end())
    return {true, "inside the allowed window " + allowed->text};
  return {false, "outside every allowed window"};
}

std::optional<UnixNs> Calendar::changes(UnixNs from) const {
  const bool open = at(from).open;
  const std::chrono::sys_days today = wall(*zone_, from).day;
  std::set<UnixNs> candidates;
  for (days ahead{0}; ahead <= kHorizon; ++ahead) {
    const std::chrono::sys_days day = today + ahead;
    candidates.clear();
    for (const auto* windows : {&windows_.allowed, &windows_.blocked})
      for (const TimeWindow& window : *windows) {
        const bool next_day = window.to <= window.from;
        if (window.on(day)) add_moments(*zone_, day, window.from, candidates);
        if (window.on(next_day ? day - days(1) : day)) add_moments(*zone_, day, window.to, candidates);
      }
    for (const UnixNs candidate : candidates)
      if (candidate > from && at(candidate).open != open) return candidate;
  }
  return std::nullopt;
}

std::optional<UnixNs> Calendar::next_opening(UnixNs from, Duration length) const {
  for (UnixNs moment = from; Duration(moment - from) <= kHorizon;) {
    const auto change = changes(moment);
    if (at(moment).open && (!change || Duration(*change - moment) >= length)) return moment;
    if (!change) return std::nullopt;
    moment = *change;
  }
  return std::nullopt;
}

std::string Calendar::local(UnixNs moment) const {
  return date::format("%a %F %H:%M %Z", date::make_zoned(zone_, second_of(moment)));
}

std::string standing_text(const Calendar& calendar, UnixNs now, Duration length) {
  const Calendar::Standing standing = calendar.at(now);
  const auto change = calendar.changes(now);
  std::string text = "now is " + standing.why;
  if (standing.open && change) text += ", until " + calendar.local(*change);
  const auto opening = calendar.next_opening(now, length);
  if (opening == std::optional(now)) return text;
  if (standing.open) text += "; the drill needs " + format_duration(length);
  return text + (opening ? "; it may run from " + calendar.local(*opening)
                         : "; it may not run within the next years");
}

}  // namespace blackstart
