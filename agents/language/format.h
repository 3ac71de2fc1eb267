// SPDX-License-Identifier: Apache-2.0
// What one scalar may look like. A format is what the check accepts and what the JSON Schema says: the
// pattern is used by both. `accepts` holds what a pattern cannot say.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "agents/language/document.h"

namespace blackstart {

struct Format {
  struct Range {
    double least = 0, most = std::numeric_limits<double>::infinity();
    bool whole = false;
  };

  std::string expected;            // "a duration such as 500ms or 5m"
  std::vector<std::string> words;  // not empty: these and no others
  std::optional<Range> number;     // plain numbers of this range
  bool boolean = false;            // true, false
  bool text = false;               // any text that fits the pattern
  bool as_written = false;         // text: an unquoted number or boolean is taken as text
  std::string pattern;             // "": any
  std::shared_ptr<const std::regex> compiled;
  bool (*accepts)(std::string_view text) = nullptr;
};

bool fits(const Format& format, const Node& scalar);

namespace format {

Format text();
Format name();  // of sites, hosts, services, probes: letters, digits, . _ -
Format boolean();
Format integer(double least, double most = 1e15);
Format number(double least, double most = std::numeric_limits<double>::infinity());
Format words(std::vector<std::string> words);
Format duration();
Format share();  // 40% or 0.4
Format rate();   // 512kbit
Format size();   // 64KiB
Format pace();   // 2/s
Format port();
Format prefix();  // host bits must be zero
Format address();
Format endpoint();  // NAME:PORT
Format http_url();
Format http_path();
Format absolute_path();
Format cgroup_path();          // relative to the root
Format comm();                 // what the kernel keeps of a program's name
Format regex();                // ECMAScript
Format ratio_comparison();     // ">= 99%"
Format count_comparison();     // "<= 2"
Format duration_comparison();  // "< 500ms"
Format latency_limit();        // "< 500ms"
Format value_comparison();     // "> 0.99"
Format so_many_of();           // 3 of 5
Format window();               // Mon-Fri 09:00-18:00
Format zone();                 // Asia/Seoul

}  // namespace format

// A number as YAML 1.2 and JSON both write it; nullopt: it is none.
std::optional<double> plain_number(std::string_view text);

}  // namespace blackstart
