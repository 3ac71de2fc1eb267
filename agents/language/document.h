// SPDX-License-Identifier: Apache-2.0
// One file of the language as it was written: a read-only tree in which everything, map keys
// included, knows where it stands. An alias shares the node its anchor names, and its location.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agents/language/problem.h"

namespace blackstart {

struct Node;
using NodePtr = std::shared_ptr<const Node>;  // never null inside a Document

struct Entry {
  std::string key;
  Location at;  // of the key
  NodePtr value;
};

struct Node {
  enum class Kind { kNull, kScalar, kMap, kSequence };

  Kind kind = Kind::kNull;
  Location at;                 // a null stands where its key does
  std::string text;            // kScalar
  bool quoted = false;         // kScalar: text for certain, even if it looks like a number
  std::vector<Entry> entries;  // kMap, in the order written; keys are unique
  std::vector<NodePtr> items;  // kSequence

  // nullptr: not a map, or no such key.
  [[nodiscard]] const Node* find(std::string_view key) const;
  [[nodiscard]] const Entry* entry(std::string_view key) const;
};

const char* kind_name(Node::Kind kind);  // "a map" ...

struct Document {
  std::string file;
  NodePtr root;  // nullptr: nothing could be read

  // Where the value at `path` stands; a step into a sequence is an index in digits. Where the path
  // ends early, the deepest part that exists. A step "key:NAME" as the last one is the key itself.
  [[nodiscard]] Location locate(std::initializer_list<std::string_view> path) const;
};

// What a file may cost: everything beyond is refused with a located problem, in bounded memory.
struct DocumentLimits {
  size_t bytes = 4u << 20;            // of the file
  size_t depth = 64;                  // aliases followed
  size_t nodes = 200'000;             // aliases expanded
  size_t expanded_bytes = 16u << 20;  // of all scalars and keys, aliases expanded
};

// Reads one YAML 1.2 document. What is wrong is added to `problems`; after a syntax error or a passed
// limit the root is nullptr, after a duplicate key the first one counts.
Document read_yaml(const std::string& file, const std::string& text, Problems& problems,
                   const DocumentLimits& limits = {});

}  // namespace blackstart
