// SPDX-License-Identifier: Apache-2.0
#include "agents/language/values.h"

#include <algorithm>
#include <tuple>

#include "agents/language/format.h"

namespace blackstart {

std::string text_of(const Node* node, const std::string& fallback) {
  return node && node->kind == Node::Kind::kScalar ? node->text : fallback;
}

bool bool_of(const Node* node, bool fallback) {
  const std::string text = text_of(node);
  return text == "true" || (text != "false" && fallback);
}

std::optional<double> number_of(const Node* node) {
  return node && node->kind == Node::Kind::kScalar ? plain_number(node->text) : std::nullopt;
}

std::optional<int> int_of(const Node* node) {
  const auto number = number_of(node);
  if (!number || *number < -1e9 || *number > 1e9) return std::nullopt;
  return static_cast<int>(*number);
}

std::optional<Duration> duration_of(const Node* node) {
  return node && node->kind == Node::Kind::kScalar ? parse_duration(node->text) : std::nullopt;
}

Duration duration_of(const Node* node, Duration fallback) {
  return duration_of(node).value_or(fallback);
}

std::optional<double> share_of(const Node* node) {
  const std::string text = text_of(node);
  if (!text.ends_with('%')) return number_of(node);
  const auto percent = plain_number(std::string_view(text).substr(0, text.size() - 1));
  if (!percent) return std::nullopt;
  return *percent / 100;
}

std::vector<std::string> texts_of(const Node* node) {
  if (!node) return {};
  if (node->kind == Node::Kind::kScalar) return {node->text};
  std::vector<std::string> texts;
  for (const NodePtr& item : node->items) texts.push_back(text_of(item.get()));
  return texts;
}

std::map<std::string, std::string> text_map_of(const Node* node) {
  std::map<std::string, std::string> texts;
  for (const Entry& entry : entries_of(node)) texts[entry.key] = text_of(entry.value.get());
  return texts;
}

const Node* child(const Node* node, std::string_view key) {
  return node ? node->find(key) : nullptr;
}

const std::vector<Entry>& entries_of(const Node* node) {
  static const std::vector<Entry> none;
  return node ? node->entries : none;
}

const std::vector<NodePtr>& items_of(const Node* node) {
  static const std::vector<NodePtr> none;
  return node ? node->items : none;
}

Reporter::Reporter(Problems& problems) : problems_(problems) {
  for (const Problem& problem : problems) taken_.emplace(problem.at.line, problem.at.column);
}

void Reporter::add(const Location& at, std::string message, std::string hint, Problem::Kind kind) {
  if (taken_.contains({at.line, at.column})) return;
  problems_.push_back({kind, at, std::move(message), std::move(hint)});
}

void sort_problems(Problems& problems) {
  const auto key = [](const Problem& problem) {
    return std::tie(problem.at.file, problem.at.line, problem.at.column, problem.kind, problem.message);
  };
  std::stable_sort(problems.begin(), problems.end(),
                   [&](const Problem& a, const Problem& b) { return key(a) < key(b); });
  problems.erase(std::unique(problems.begin(), problems.end(),
                             [&](const Problem& a, const Problem& b) { return key(a) == key(b); }),
                 problems.end());
}

}  // namespace blackstart
