// SPDX-License-Identifier: Apache-2.0
#include "agents/language/shape.h"

#include <algorithm>

#include "agents/language/nearest.h"

namespace blackstart {
namespace {

constexpr size_t kLongestShown = 48;
const std::string kEntryOf = "an entry of ";

std::string quoted(const std::string& text) {
  if (text.size() <= kLongestShown) return "\"" + text + "\"";
  size_t end = kLongestShown;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return "\"" + text.substr(0, end) + "...\"";
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return text;
}

std::string expected(const Shape& shape) {
  switch (shape.type) {
    case Shape::Type::kScalar:
      return shape.format.expected;
    case Shape::Type::kList:
      return "a list";
    case Shape::Type::kMap:
      return "a map";
    case Shape::Type::kObject:
    case Shape::Type::kCases:
      return shape.what + " (a map)";
    case Shape::Type::kEither:
      break;
  }
  std::vector<std::string> all;
  for (const Shape& part : shape.parts) all.push_back(expected(part));
  return listed(all);
}

Node::Kind node_kind(const Shape& shape) {
  if (shape.type == Shape::Type::kScalar) return Node::Kind::kScalar;
  return shape.type == Shape::Type::kList ? Node::Kind::kSequence : Node::Kind::kMap;
}

class Checker {
 public:
  explicit Checker(Problems& problems) : problems_(problems) {}

  // `name`: how the value is called in messages: the key it stands under.
  void check(const Node& node, const Shape& shape, const std::string& name) {
    if (shape.type == Shape::Type::kEither) return check_either(node, shape, name);
    if (node.kind != node_kind(shape)) return wrong_kind(node, shape, name);
    switch (shape.type) {
      case Shape::Type::kScalar:
        return check_scalar(node, shape, name);
      case Shape::Type::kList:
        return check_list(node, shape, name);
      case Shape::Type::kMap:
        return check_map(node, shape, name);
      case Shape::Type::kObject:
        return check_object(node, shape);
      case Shape::Type::kCases:
        return check_cases(node, shape);
      case Shape::Type::kEither:
        break;
    }
  }

 private:
  void add(const Location& at, std::string message, std::string hint = "") {
    problems_.push_back({Problem::Kind::kInvalid, at, std::move(message), std::move(hint)});
  }

  void wrong_kind(const Node& node, const Shape& shape, const std::string& name) {
    const std::string found = node.kind == Node::Kind::kScalar ? quoted(node.text) : kind_name(node.kind);
    add(node.at, name + " must be " + expected(shape) + ", not " + found);
  }

  void check_either(const Node& node, const Shape& shape, const std::string& name) {
    for (const Shape& part : shape.parts)
      if (node_kind(part) == node.kind) return check(node, part, name);
    wrong_kind(node, shape, name);
  }

  void check_scalar(const Node& node, const Shape& shape, const std::string& name) {
    if (fits(shape.format, node)) return;
    std::string hint;
    if (!shape.format.words.empty()) {
      hint = suggest_near(node.text, shape.format.words);
    } else if (node.quoted && (shape.format.number || shape.format.boolean)) {
      Node plain = node;
      plain.quoted = false;
      if (fits(shape.format, plain)) hint = "write it without quotes";
    }
    add(node.at, name + " must be " + shape.format.expected + ", not " + quoted(node.text), std::move(hint));
  }

  void check_count(const Node& node, const Shape& shape, const std::string& name, size_t count) {
    if (count >= shape.least && count <= shape.most) return;
    const std::string wanted = shape.least == shape.most ? "exactly " + std::to_string(shape.least)
                               : count < shape.least     ? "at least " + std::to_string(shape.least)
                                                         : "at most " + std::to_string(shape.most);
    add(node.at, name + " must have " + wanted + (wanted.ends_with(" 1") ? " entry" : " entries") + ", not " +
                     std::to_string(count));
  }

  void check_list(const Node& node, const Shape& shape, const std::string& name) {
    check_count(node, shape, name, node.items.size());
    for (const NodePtr& item : node.items)
      check(*item, shape.parts.front(), name.starts_with(kEntryOf) ? name : kEntryOf + name);
  }

  void check_map(const Node& node, const Shape& shape, const std::string& name) {
    check_count(node, shape, name, node.entries.size());
    for (const Entry& entry : node.entries) {
      Node key;
      key.text = entry.key;
      if (!fits(shape.format, key))
        add(entry.at,
            "a key of " + name + " must be " + shape.format.expected + ", not " + quoted(entry.key));
      check(*entry.value, shape.parts.front(), entry.key);
    }
  }

  void check_object(const Node& node, const Shape& shape) {
    for (const Entry& entry : node.entries) {
      const auto field = std::find_if(shape.fields.begin(), shape.fields.end(),
                                      [&](const Field& candidate) { return candidate.name == entry.key; });
      if (field == shape.fields.end()) {
        std::vector<std::string> known;
        for (const Field& candidate : shape.fields) known.push_back(candidate.name);
        add(entry.at, shape.what + " has no key " + quoted(entry.key), suggest(entry.key, known));
      } else {
        check(*entry.value, field->shape, field->name);
      }
    }
    for (const Field& field : shape.fields)
      if (field.required && !node.find(field.name))
        add(node.at, shape.what + " lacks the key \"" + field.name + "\"", field.description);
    for (const auto& group : shape.exactly_one) check_group(node, shape, group, "exactly one of ", 1, 1);
    for (const auto& group : shape.at_least_one)
      check_group(node, shape, group, "at least one of ", 1, group.size());
    for (const auto& group : shape.at_most_one) check_group(node, shape, group, "at most one of ", 0, 1);
  }

  void check_group(const Node& node, const Shape& shape, const std::vector<std::string>& group,
                   const char* wanted, size_t least, size_t most) {
    std::vector<std::string> present;
    for (const Entry& entry : node.entries)
      if (std::find(group.begin(), group.end(), entry.key) != group.end()) present.push_back(entry.key);
    if (present.size() < least) add(node.at, shape.what + " must have " + wanted + listed(group));
    if (present.size() > most)
      add(node.entry(present[1])->at, shape.what + " must have " + wanted + listed(group) + ", not both " +
                                          present[0] + " and " + present[1]);
  }

  void check_cases(const Node& node, const Shape& shape) {
    std::vector<std::string> keys, values;
    const Node* discriminator = nullptr;
    std::string discriminator_key;
    for (const Case& candidate : shape.cases) {
      if (keys.empty() || keys.back() != candidate.key) keys.push_back(candidate.key);
      const Node* value = node.find(candidate.key);
      if (!value) continue;
      if (candidate.value.empty() || (value->kind == Node::Kind::kScalar && value->text == candidate.value))
        return check_object(node, candidate.shape);
      discriminator = value;
      discriminator_key = candidate.key;
      values.push_back(candidate.value);
    }
    if (!discriminator) return add(node.at, shape.what + " must have one of the keys " + listed(keys));
    const bool scalar = discriminator->kind == Node::Kind::kScalar;
    add(discriminator->at,
        "there is no " + discriminator_key + " " +
            (scalar ? quoted(discriminator->text) : kind_name(discriminator->kind)),
        suggest(discriminator->text, values));
  }

  Problems& problems_;
};

}  // namespace

Shape scalar(Format format) {
  Shape shape;
  shape.format = std::move(format);
  return shape;
}

Shape list_of(Shape element, size_t least, size_t most) {
  Shape shape;
  shape.type = Shape::Type::kList;
  shape.parts.push_back(std::move(element));
  shape.least = least;
  shape.most = most;
  return shape;
}

Shape map_of(Format key, Shape value, size_t least) {
  Shape shape;
  shape.type = Shape::Type::kMap;
  shape.format = std::move(key);
  shape.parts.push_back(std::move(value));
  shape.least = least;
  return shape;
}

Shape object(std::string what, std::vector<Field> fields) {
  Shape shape;
  shape.type = Shape::Type::kObject;
  shape.what = std::move(what);
  shape.fields = std::move(fields);
  return shape;
}

Shape either(std::vector<Shape> alternatives) {
  Shape shape;
  shape.type = Shape::Type::kEither;
  shape.parts = std::move(alternatives);
  return shape;
}

Shape one_or_more(Shape element) {
  Shape list = list_of(element, 1);
  return either({std::move(element), std::move(list)});
}

Shape cases(std::string what, std::vector<Case> all) {
  Shape shape;
  shape.type = Shape::Type::kCases;
  shape.what = std::move(what);
  shape.cases = std::move(all);
  return shape;
}

Field must(std::string name, Shape shape, std::string description) {
  return {std::move(name), std::move(shape), true, std::move(description)};
}

Field may(std::string name, Shape shape, std::string description) {
  return {std::move(name), std::move(shape), false, std::move(description)};
}

Shape document_shape(const std::string& kind, std::vector<Field> metadata, Shape spec) {
  metadata.insert(metadata.begin(), {must("name", scalar(format::name()), "what it is called"),
                                     may("summary", scalar(format::text()), "one sentence")});
  return object(kind,
                {must("apiVersion", scalar(format::words({"blackstart/v1"})), "the version of the language"),
                 must("kind", scalar(format::words({kind})), "what the file describes"),
                 must("metadata", object("metadata", std::move(metadata)), "its name and origin"),
                 must("spec", std::move(spec), "the description itself")});
}

void check(const Document& document, const Shape& shape, Problems& problems) {
  if (document.root) Checker(problems).check(*document.root, shape, "the file");
}

}  // namespace blackstart
