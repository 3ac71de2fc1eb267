// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blackstart {

// Insertions, deletions, substitutions and swaps of neighbours between the two, letter case aside.
size_t edit_distance(std::string_view a, std::string_view b);

// The one that is probably meant; nullopt when nothing is near.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known);

// What the reader probably meant: "did you mean "x"?"; "" when nothing is near.
std::string suggest_near(std::string_view word, const std::vector<std::string>& known);
// The same; when nothing is near, what there is.
std::string suggest(std::string_view word, const std::vector<std::string>& known);

template <typename Map>
std::vector<std::string> names_of(const Map& map) {
  std::vector<std::string> names;
  for (const auto& [name, value] : map) names.push_back(name);
  return names;
}

}  // namespace blackstart
