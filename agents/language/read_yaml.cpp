// SPDX-License-Identifier: Apache-2.0
// The one file that knows yaml-cpp. It takes the parser's events rather than its nodes, so that limits
// hold while reading and every key keeps its place.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string_view>
#include <unordered_map>

#include "agents/language/document.h"

namespace blackstart {
namespace {

const std::string kCore = "tag:yaml.org,2002:";  // written "!!"

// Ends the reading; caught in read_yaml and nowhere else.
struct Stop {
  Problem problem;
};

// The length of the UTF-8 sequence that starts at `at`; 0: none does.
size_t utf8_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return at + i < text.size() ? static_cast<uint8_t>(text[at + i]) : 0u; };
  const auto follows = [&](size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

bool printable(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return byte >= 0x20 ? byte != 0x7F : c == '\t' || c == '\n' || c == '\r';
}

void refuse_bad_bytes(const std::string& file, const std::string& text) {
  int line = 1, column = 1;
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_length(text, i);
    if (length == 0 || (length == 1 && !printable(text[i]))) {
      throw Stop{{Problem::Kind::kInvalid,
                  {file, line, column},
                  length == 0 ? "this is not UTF-8 text" : "a control character cannot stand here",
                  "save the file as UTF-8"}};
    }
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
    i += length;
  }
}

// Within a line the parser looks ahead as far as brackets open, in case all of it is a key, and keeps what
// it saw: 300 times the text. Nobody writes such a line; quoted brackets count too, which is far from
// the limit all the same.
void refuse_runs_of_brackets(const std::string& file, const std::string& text) {
  constexpr int kMostOpen = 1000;
  int line = 1, column = 0, open = 0;
  for (const char c : text) {
    ++column;
    if (c == '\n') {
      ++line;
      column = open = 0;
    }
    open += (c == '[' || c == '{') - (c == ']' || c == '}');
    if (open > kMostOpen)
      throw Stop{{Problem::Kind::kInvalid,
                  {file, line, column},
                  "more than " + std::to_string(kMostOpen) + " brackets open in one line",
                  ""}};
  }
}

// From the parser's places to the reader's: yaml-cpp counts columns in bytes, people and editors count
// characters. Costs nothing for plain ASCII; otherwise it walks each line once, as places come in order.
class Places {
 public:
  Places(const std::string& file, const std::string& text) : file_(file) {
    ascii_ = std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
    if (ascii_) return;
    text_ = text;
    starts_.push_back(text.starts_with("\xEF\xBB\xBF") ? 3 : 0);
    for (size_t i = 0; i < text.size(); ++i)
      if (text[i] == '\n') starts_.push_back(i + 1);
  }

  Location of(const YAML::Mark& mark) {
    if (mark.is_null()) return {file_};
    const size_t line = mark.line, bytes = mark.column;
    if (ascii_ || line >= starts_.size()) return {file_, mark.line + 1, mark.column + 1};
    if (line != line_ || bytes < bytes_) {
      line_ = line;
      bytes_ = characters_ = 0;
    }
    for (; bytes_ < bytes; ++bytes_) {
      const size_t next = starts_[line] + bytes_;
      if (next >= text_.size() || (text_[next] & 0xC0) != 0x80) ++characters_;
    }
    return {file_, mark.line + 1, static_cast<int>(characters_) + 1};
  }

 private:
  const std::string& file_;
  bool ascii_ = true;
  std::string_view text_;
  std::vector<size_t> starts_;
  size_t line_ = 0, bytes_ = 0, characters_ = 0;
};

// What a node costs once every alias in it is expanded.
struct Cost {
  size_t nodes = 1, bytes = 0, height = 1;
};

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(Places& places, const DocumentLimits& limits, Problems& problems)
      : places_(places), limits_(limits), problems_(problems) {}

  [[nodiscard]] NodePtr take_root() { return std::move(root_); }
  [[nodiscard]] int documents() const { return documents_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) stop(mark, "a second document starts here", "one file holds one document");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, anchor, make(mark, Node::Kind::kNull), {});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_unknown(mark, tag);
    auto node = make(mark, Node::Kind::kScalar);
    node->quoted = tag == "!" || tag == kCore + "str";
    if (!node->quoted && (value == "null" || value == "~" || value == "Null" || value == "NULL")) {
      node->kind = Node::Kind::kNull;
    } else {
      node->text = value;
    }
    add(mark, anchor, node, {1, value.size(), 1});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) stop(mark, "this alias contains itself", "write the value out");
    add(mark, 0, known->second.node, known->second.cost);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::kSequence);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::kMap);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Open {  // a map or sequence that has not ended yet
    std::shared_ptr<Node> node;
    YAML::anchor_t anchor = 0;
    YAML::Mark mark;
    Cost cost;
    bool key_pending = false;   // a map that has read a key and waits for its value
    bool ignore_value = false;  // ... of a key that was there before
    std::string key;
    Location key_at;
    std::unordered_map<std::string, Location> keys;
  };
  struct Anchored {
    NodePtr node;
    Cost cost;
  };

  [[noreturn]] void stop(const YAML::Mark& mark, std::string message, std::string hint) const {
    throw Stop{{Problem::Kind::kInvalid, places_.of(mark), std::move(message), std::move(hint)}};
  }

  std::shared_ptr<Node> make(const YAML::Mark& mark, Node::Kind kind) const {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->at = places_.of(mark);
    return node;
  }

  void refuse_unknown(const YAML::Mark& mark, const std::string& tag) const {
    static const std::set<std::string> known{"",
                                             "?",
                                             "!",
                                             kCore + "str",
                                             kCore + "int",
                                             kCore + "float",
                                             kCore + "bool",
                                             kCore + "null",
                                             kCore + "map",
                                             kCore + "seq"};
    if (known.contains(tag)) return;
    stop(mark, "the tag " + tag + " means nothing here", "remove it");
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    refuse_unknown(mark, tag);
    if (!open_.empty() && awaits_key()) stop(mark, "a key must be a single value", "");
    if (open_.size() >= limits_.depth) too_deep(mark);
    Open next;
    next.node = make(mark, kind);
    next.anchor = anchor;
    next.mark = mark;
    open_.push_back(std::move(next));
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(done.mark, done.anchor, done.node, done.cost, false);
  }

  [[nodiscard]] bool awaits_key() const {
    return open_.back().node->kind == Node::Kind::kMap && !open_.back().key_pending;
  }

  // `fresh`: its cost is not yet part of the running total (an open map's children already are).
  void add(const YAML::Mark& mark, YAML::anchor_t anchor, const NodePtr& node, Cost cost, bool fresh = true) {
    total_nodes_ += fresh ? cost.nodes : 1;
    total_bytes_ += fresh ? cost.bytes : 0;
    if (total_nodes_ > limits_.nodes)
      stop(mark, "the document has more than " + std::to_string(limits_.nodes) + " values",
           "aliases count as often as they are used");
    if (total_bytes_ > limits_.expanded_bytes)
      stop(mark, "the document's texts are longer than " + std::to_string(limits_.expanded_bytes) + " bytes",
           "aliases count as often as they are used");
    if (open_.size() + cost.height > limits_.depth + 1) too_deep(mark);
    if (anchor != 0) anchors_[anchor] = {node, cost};
    if (open_.empty()) {
      root_ = node;
      return;
    }
    Open& parent = open_.back();
    parent.cost.nodes += cost.nodes;
    parent.cost.bytes += cost.bytes;
    parent.cost.height = std::max(parent.cost.height, cost.height + 1);
    if (parent.node->kind == Node::Kind::kSequence) {
      parent.node->items.push_back(node);
    } else if (!parent.key_pending) {
      take_key(parent, mark, *node);
    } else {
      take_value(parent, node);
    }
  }

  void take_key(Open& map, const YAML::Mark& mark, const Node& node) {
    if (node.kind != Node::Kind::kScalar) stop(mark, "a key must be a single value", "");
    map.key = node.text;
    map.key_at = places_.of(mark);
    map.key_pending = true;
    const auto [first, is_new] = map.keys.emplace(map.key, map.key_at);
    map.ignore_value = !is_new;
    if (map.ignore_value) {
      problems_.push_back({Problem::Kind::kInvalid, map.key_at, "the key \"" + map.key + "\" is there twice",
                           "first at " + first->second.text()});
    }
  }

  static void take_value(Open& map, const NodePtr& node) {
    map.key_pending = false;
    if (map.ignore_value) return;
    NodePtr value = node;
    if (node->kind == Node::Kind::kNull) {
      auto null = std::make_shared<Node>();
      null->at = map.key_at;
      value = std::move(null);
    }
    map.node->entries.push_back({map.key, map.key_at, std::move(value)});
  }

  [[noreturn]] void too_deep(const YAML::Mark& mark) const {
    stop(mark, "the document is nested more than " + std::to_string(limits_.depth) + " levels deep", "");
  }

  Places& places_;
  const DocumentLimits& limits_;
  Problems& problems_;
  NodePtr root_;
  int documents_ = 0;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  size_t total_nodes_ = 0, total_bytes_ = 0;
};

}  // namespace

Document read_yaml(const std::string& file, const std::string& text, Problems& problems,
                   const DocumentLimits& limits) {
  Document document{file, nullptr};
  Places places(file, text);
  try {
    if (text.size() > limits.bytes)
      throw Stop{{Problem::Kind::kInvalid,
                  {file},
                  "the file is larger than " + std::to_string(limits.bytes >> 20) + " MiB",
                  ""}};
    refuse_bad_bytes(file, text);
    refuse_runs_of_brackets(file, text);
    TreeBuilder builder(places, limits, problems);
    std::istringstream in(text);
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
    document.root = builder.take_root();
    if (!document.root)
      throw Stop{{Problem::Kind::kInvalid, {file, 1, 1}, "the file is empty", "see `blackstart schema`"}};
  } catch (const Stop& stop) {
    problems.push_back(stop.problem);
  } catch (const YAML::Exception& error) {
    problems.push_back(
        {Problem::Kind::kInvalid, places.of(error.mark), "this is not YAML: " + error.msg, ""});
  }
  return document;
}

}  // namespace blackstart
