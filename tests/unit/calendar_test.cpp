// SPDX-License-Identifier: Apache-2.0
// Windows and what the clocks of their zones show, changes of the clock included. Moments are in UTC.
#include <gtest/gtest.h>

#include <ctime>

#include "injector/experiment/calendar.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;

// "2026-03-29T01:30" in UTC.
UnixNs utc(const std::string& text) {
  std::tm parts{};
  EXPECT_NE(strptime(text.c_str(), "%Y-%m-%dT%H:%M", &parts), nullptr) << text;
  return static_cast<UnixNs>(timegm(&parts)) * 1'000'000'000;
}

std::string utc_text(std::optional<UnixNs> moment) {
  return moment ? rfc3339(*moment).substr(0, 16) : "never";
}

std::vector<TimeWindow> parsed(const std::vector<std::string>& texts) {
  std::vector<TimeWindow> windows;
  for (const std::string& text : texts) {
    const auto window = parse_window(text);
    EXPECT_TRUE(window) << text;
    if (window) windows.push_back(*window);
  }
  return windows;
}

Calendar calendar(const std::string& zone, const std::vector<std::string>& allowed,
                  const std::vector<std::string>& blocked = {}) {
  auto made = Calendar::make({zone, parsed(allowed), parsed(blocked)});
  EXPECT_TRUE(made) << zone;
  return *made;
}

TEST(Window, WhatHoldsNoTimeIsNone) {
  for (const char* text : {"2026-02-30", "2026-13-01", "2026-12-26..2026-12-24", "2026-12-24..2026-12-32",
                           "Mon 09:00-09:00", "24:00-06:00"})
    EXPECT_FALSE(parse_window(text)) << text;
}

struct Inside {
  const char *zone, *window, *moment;
  bool inside;
};

class WindowAt : public testing::TestWithParam<Inside> {};

TEST_P(WindowAt, TheClockOfTheZoneDecides) {
  const Inside& at = GetParam();
  EXPECT_EQ(calendar(at.zone, {at.window}).at(utc(at.moment)).open, at.inside)
      << at.window << " " << at.zone << " at " << at.moment << "Z";
  EXPECT_EQ(calendar(at.zone, {}, {at.window}).at(utc(at.moment)).open, !at.inside);
}

// 2026-11-20 is a Friday. Berlin: +1, +2 from 29 March 01:00Z to 25 October 01:00Z. New York: -5, -4
// from 8 March 07:00Z to 1 November 06:00Z. Seoul: +9 all year.
INSTANTIATE_TEST_SUITE_P(
    Moments, WindowAt,
    testing::Values(Inside{"Asia/Seoul", "Mon-Fri 09:00-18:00", "2026-11-20T00:00", true},
                    Inside{"Asia/Seoul", "Mon-Fri 09:00-18:00", "2026-11-19T23:59", false},
                    Inside{"Asia/Seoul", "Mon-Fri 09:00-18:00", "2026-11-20T08:59", true},
                    Inside{"Asia/Seoul", "Mon-Fri 09:00-18:00", "2026-11-20T09:00", false},
                    Inside{"Asia/Seoul", "Mon-Fri 09:00-18:00", "2026-11-21T01:00", false},
                    Inside{"Asia/Seoul", "Mon-Fri 09:00-18:00", "2026-07-20T00:00", true},
                    // Across midnight: the day is the one it begins on.
                    Inside{"Asia/Seoul", "Sat 22:00-06:00", "2026-11-21T12:59", false},
                    Inside{"Asia/Seoul", "Sat 22:00-06:00", "2026-11-21T13:00", true},
                    Inside{"Asia/Seoul", "Sat 22:00-06:00", "2026-11-21T20:59", true},
                    Inside{"Asia/Seoul", "Sat 22:00-06:00", "2026-11-21T21:00", false},
                    Inside{"Asia/Seoul", "Sat 22:00-06:00", "2026-11-20T15:00", false},
                    Inside{"Asia/Seoul", "Sun 22:00-24:00", "2026-11-22T14:59", true},
                    Inside{"Asia/Seoul", "Sun 22:00-24:00", "2026-11-22T15:00", false},
                    Inside{"Asia/Seoul", "22:00-02:00", "2026-11-22T16:59", true},
                    Inside{"Asia/Seoul", "Fri-Mon", "2026-11-22T15:00", true},  // round the end of the week
                    Inside{"Asia/Seoul", "Fri-Mon", "2026-11-23T15:00", false},
                    Inside{"Asia/Seoul", "Mon,Wed-Fri", "2026-11-24T01:00", false},
                    Inside{"Asia/Seoul", "Mon,Wed-Fri", "2026-11-25T01:00", true},
                    Inside{"Asia/Seoul", "2026-12-24..2026-12-26", "2026-12-23T14:59", false},
                    Inside{"Asia/Seoul", "2026-12-24..2026-12-26", "2026-12-23T15:00", true},
                    Inside{"Asia/Seoul", "2026-12-24..2026-12-26", "2026-12-26T14:59", true},
                    Inside{"Asia/Seoul", "2026-12-24..2026-12-26", "2026-12-26T15:00", false},
                    Inside{"Asia/Seoul", "2026-12-31 22:00-06:00", "2026-12-31T20:59", true},
                    // Berlin: 02:00 to 03:00 is skipped in March and comes twice in October.
                    Inside{"Europe/Berlin", "09:00-18:00", "2026-03-27T08:00", true},
                    Inside{"Europe/Berlin", "09:00-18:00", "2026-03-30T07:00", true},
                    Inside{"Europe/Berlin", "Sun 02:15-02:45", "2026-03-29T00:59", false},
                    Inside{"Europe/Berlin", "Sun 02:15-02:45", "2026-03-29T01:00", false},
                    Inside{"Europe/Berlin", "Sun 01:30-02:30", "2026-03-29T00:59", true},
                    Inside{"Europe/Berlin", "Sun 01:30-02:30", "2026-03-29T01:00", false},
                    Inside{"Europe/Berlin", "Sun 02:30-04:00", "2026-03-29T01:00", true},
                    Inside{"Europe/Berlin", "Sun 01:00-02:30", "2026-10-25T00:29", true},
                    Inside{"Europe/Berlin", "Sun 01:00-02:30", "2026-10-25T00:30", false},
                    Inside{"Europe/Berlin", "Sun 01:00-02:30", "2026-10-25T01:00", true},
                    Inside{"Europe/Berlin", "Sun 01:00-02:30", "2026-10-25T01:30", false},
                    // New York: 02:00 to 03:00 is skipped in March, 01:00 to 02:00 comes twice in November.
                    Inside{"America/New_York", "Sun 02:00-03:00", "2026-03-08T07:00", false},
                    Inside{"America/New_York", "Sat 22:00-06:00", "2026-03-08T09:59", true},
                    Inside{"America/New_York", "Sat 22:00-06:00", "2026-03-08T10:00", false},
                    Inside{"America/New_York", "Sat 22:00-06:00", "2026-11-01T10:59", true},
                    Inside{"America/New_York", "Sat 22:00-06:00", "2026-11-01T11:00", false},
                    Inside{"America/New_York", "Sun 01:30-02:00", "2026-11-01T05:30", true},
                    Inside{"America/New_York", "Sun 01:30-02:00", "2026-11-01T06:00", false},
                    Inside{"America/New_York", "Sun 01:30-02:00", "2026-11-01T06:30", true}));

struct Opening {
  const char* zone;
  std::vector<std::string> allowed, blocked;
  const char* from;
  Duration length;
  std::string opens;
};

TEST(Calendar, TheNextOpeningHoldsTheWholeDrill) {
  const std::vector<Opening> all{
      {"Asia/Seoul", {"Mon-Fri 09:00-18:00"}, {}, "2026-11-20T03:00", 10min, "2026-11-20T03:00"},
      {"Asia/Seoul", {"Mon-Fri 09:00-18:00"}, {}, "2026-11-20T08:55", 10min, "2026-11-23T00:00"},
      {"Asia/Seoul",
       {"Mon-Fri 09:00-18:00"},
       {"2026-11-23..2026-11-24"},
       "2026-11-20T10:00",
       10min,
       "2026-11-25T00:00"},
      // A blocked window inside an allowed one that began the day before.
      {"Asia/Seoul", {"Sat 22:00-06:00"}, {"Sun 01:00-02:00"}, "2026-11-21T14:00", 3h, "2026-11-21T17:00"},
      {"Asia/Seoul", {"Sat 22:00-06:00"}, {"Sun 01:00-02:00"}, "2026-11-21T14:00", 5h, "never"},
      {"Asia/Seoul", {"09:00-10:00"}, {}, "2026-11-20T03:00", 2h, "never"},
      {"Asia/Seoul", {}, {"2026-11-20"}, "2026-11-20T10:00", 1h, "2026-11-20T15:00"},
      {"Asia/Seoul", {"2026-02-01"}, {}, "2026-11-20T10:00", 1h, "never"},
      // The skipped hour: 02:30 never comes, the clock jumps to 03:00.
      {"Europe/Berlin", {"Sun 02:30-04:00"}, {}, "2026-03-28T12:00", 1h, "2026-03-29T01:00"},
      {"Europe/Berlin", {"Sun 02:15-02:45"}, {}, "2026-03-28T12:00", 10min, "2026-04-05T00:15"},
      // The repeated hour opens it again.
      {"Europe/Berlin", {"Sun 01:00-02:30"}, {}, "2026-10-25T00:45", 20min, "2026-10-25T01:00"},
      {"America/New_York", {"Sun 01:30-02:00"}, {}, "2026-11-01T06:00", 20min, "2026-11-01T06:30"},
      {"America/New_York", {"Mon-Fri 09:00-17:00"}, {}, "2026-03-07T12:00", 1h, "2026-03-09T13:00"},
  };
  for (const Opening& one : all)
    EXPECT_EQ(utc_text(calendar(one.zone, one.allowed, one.blocked).next_opening(utc(one.from), one.length)),
              one.opens)
        << one.zone << " from " << one.from;
}

// Every minute of a year on which clocks change: what `changes` skips must be all alike.
TEST(Calendar, NothingChangesBeforeItsNextChange) {
  for (const char* zone : {"Europe/Berlin", "America/New_York", "Asia/Seoul"}) {
    const Calendar year = calendar(zone, {"Mon-Fri 09:00-18:00", "Sat 22:00-06:00", "Sun 01:15-02:30"},
                                   {"2026-12-24..2026-12-26", "Wed 12:00-13:00"});
    std::optional<UnixNs> change = year.changes(utc("2026-01-01T00:00"));
    bool open = year.at(utc("2026-01-01T00:00")).open;
    for (UnixNs moment = utc("2026-01-01T00:00"); moment < utc("2027-01-01T00:00");
         moment += Duration(1min).count()) {
      if (change && moment >= *change) {
        open = !open;
        change = year.changes(moment);
      }
      ASSERT_EQ(year.at(moment).open, open) << zone << " " << rfc3339(moment);
    }
  }
}

TEST(Calendar, SaysWhereItStands) {
  const Calendar seoul = calendar("Asia/Seoul", {"Mon-Fri 09:00-18:00"});
  EXPECT_EQ(standing_text(seoul, utc("2026-11-20T03:00"), 10min),
            "now is inside the allowed window Mon-Fri 09:00-18:00, until Fri 2026-11-20 18:00 KST");
  EXPECT_EQ(standing_text(seoul, utc("2026-11-20T08:55"), 10min),
            "now is inside the allowed window Mon-Fri 09:00-18:00, until Fri 2026-11-20 18:00 KST; the drill "
            "needs 10m; it may run from Mon 2026-11-23 09:00 KST");
  EXPECT_EQ(standing_text(seoul, utc("2026-11-21T03:00"), 10min),
            "now is outside every allowed window; it may run from Mon 2026-11-23 09:00 KST");
}

TEST(Calendar, AnUnknownZoneIsInvalid) {
  const auto made = Calendar::make({"Asia/Soul", {}, {}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::kInvalid);
}

}  // namespace
}  // namespace blackstart
