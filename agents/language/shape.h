// SPDX-License-Identifier: Apache-2.0
// The language described as data: from one Shape come the check of a document and the JSON Schema, so
// neither can know a key the other does not.
//
//   object("a site", {must("prefixes", list_of(scalar(format::prefix()), 1), "its address ranges"),
//                     may("outside", scalar(format::boolean()), "users and partners: never a target")})
#pragma once

#include <string>
#include <vector>

#include "agents/language/document.h"
#include "agents/language/format.h"
#include "agents/language/problem.h"

namespace blackstart {

struct Field;
struct Case;

struct Shape {
  enum class Type {
    kScalar,
    kList,
    kMap,     // free keys, one shape of value
    kObject,  // known keys
    kEither,  // told apart by the kind of node: a name or a map, one or a list
    kCases,   // told apart by a key, or by a key's value
  };
  static constexpr size_t kAny = 100'000;

  Type type = Type::kScalar;
  std::string what;                                   // "a site": in messages
  Format format;                                      // kScalar; kMap: of the keys
  std::vector<Shape> parts;                           // kList, kMap: the element; kEither: the alternatives
  size_t least = 0, most = kAny;                      // kList, kMap: how many
  std::vector<Field> fields;                          // kObject
  std::vector<std::vector<std::string>> exactly_one;  // kObject: of each group of keys
  std::vector<std::vector<std::string>> at_least_one;
  std::vector<std::vector<std::string>> at_most_one;
  std::vector<Case> cases;  // kCases: the first that fits
};

struct Field {
  std::string name;
  Shape shape;
  bool required = false;
  std::string description;  // one line
};

// Fits a map that holds `key`, and, where `value` is not empty, holds it as the value.
struct Case {
  std::string key, value;
  Shape shape;  // an object with a field `key`
};

Shape scalar(Format format);
Shape list_of(Shape element, size_t least = 0, size_t most = Shape::kAny);
Shape map_of(Format key, Shape value, size_t least = 0);
Shape object(std::string what, std::vector<Field> fields);
Shape either(std::vector<Shape> alternatives);
Shape one_or_more(Shape element);  // a single one may stand without the list around it
Shape cases(std::string what, std::vector<Case> all);
Field must(std::string name, Shape shape, std::string description);
Field may(std::string name, Shape shape, std::string description);

// The outermost object of every file: apiVersion, kind, metadata, spec.
Shape document_shape(const std::string& kind, std::vector<Field> metadata, Shape spec);

// Adds every problem of the document, in no particular order.
void check(const Document& document, const Shape& shape, Problems& problems);

}  // namespace blackstart
