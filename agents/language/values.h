// SPDX-License-Identifier: Apache-2.0
// From nodes to values. A node that is absent or malformed gives the fallback: `check` has already said
// what is wrong with it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agents/contract/units.h"
#include "agents/language/document.h"

namespace blackstart {

std::string text_of(const Node* node, const std::string& fallback = "");
bool bool_of(const Node* node, bool fallback = false);
std::optional<double> number_of(const Node* node);
std::optional<int> int_of(const Node* node);
std::optional<Duration> duration_of(const Node* node);
Duration duration_of(const Node* node, Duration fallback);
std::optional<double> share_of(const Node* node);  // "40%" and 0.4 give 0.4
// Of a list, or of a single value that stands for a list of one. Keeps its length: what is malformed is "".
std::vector<std::string> texts_of(const Node* node);
std::map<std::string, std::string> text_map_of(const Node* node);
// A step down that works from nowhere too.
const Node* child(const Node* node, std::string_view key);
const std::vector<Entry>& entries_of(const Node* node);
const std::vector<NodePtr>& items_of(const Node* node);

// Adds problems of meaning, but none where one of form stands already: what is malformed is not
// unknown as well.
class Reporter {
 public:
  explicit Reporter(Problems& problems);
  void add(const Location& at, std::string message, std::string hint = "",
           Problem::Kind kind = Problem::Kind::kInvalid);

 private:
  Problems& problems_;
  std::set<std::pair<int, int>> taken_;
};

// By file, line and column; equal problems once.
void sort_problems(Problems& problems);

}  // namespace blackstart
