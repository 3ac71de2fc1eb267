// SPDX-License-Identifier: Apache-2.0
#include "agents/language/document.h"

#include <charconv>

namespace blackstart {

const Entry* Node::entry(std::string_view key) const {
  for (const Entry& candidate : entries)
    if (candidate.key == key) return &candidate;
  return nullptr;
}

const Node* Node::find(std::string_view key) const {
  const Entry* found = entry(key);
  return found ? found->value.get() : nullptr;
}

const char* kind_name(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kScalar:
      return "a single value";
    case Node::Kind::kMap:
      return "a map";
    case Node::Kind::kSequence:
      break;
  }
  return "a list";
}

Location Document::locate(std::initializer_list<std::string_view> path) const {
  if (!root) return {file};
  constexpr std::string_view kKey = "key:";
  const Node* node = root.get();
  for (std::string_view step : path) {
    const Node* next = nullptr;
    if (node->kind == Node::Kind::kSequence) {
      size_t index = 0;
      const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
      if (error == std::errc{} && index < node->items.size()) next = node->items[index].get();
    } else if (step.starts_with(kKey)) {
      const Entry* found = node->entry(step.substr(kKey.size()));
      return found ? found->at : node->at;
    } else {
      next = node->find(step);
    }
    if (!next) break;
    node = next;
  }
  return node->at;
}

}  // namespace blackstart
