// SPDX-License-Identifier: Apache-2.0
#include "agents/language/nearest.h"

#include <algorithm>
#include <cctype>

namespace blackstart {
namespace {

constexpr size_t kLongestWord = 64;  // longer ones are no misspelling of anything
constexpr size_t kMostListed = 16;

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped =
          i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known) {
  if (word.size() > kLongestWord) return std::nullopt;
  size_t least = std::max<size_t>(1, (word.size() + 1) / 3) + 1;
  const std::string* best = nullptr;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(word, candidate);
    if (distance >= least) continue;
    least = distance;
    best = &candidate;
  }
  return best ? std::optional(*best) : std::nullopt;
}

std::string suggest_near(std::string_view word, const std::vector<std::string>& known) {
  const auto near = nearest(word, known);
  return near ? "did you mean \"" + *near + "\"?" : "";
}

std::string suggest(std::string_view word, const std::vector<std::string>& known) {
  if (known.empty()) return "";
  if (std::string near = suggest_near(word, known); !near.empty()) return near;
  if (known.size() == 1) return "there is only " + known.front();
  std::string list;
  for (size_t i = 0; i < std::min(known.size(), kMostListed); ++i) list += (i ? ", " : "") + known[i];
  return "one of: " + list + (known.size() > kMostListed ? ", ..." : "");
}

}  // namespace blackstart
