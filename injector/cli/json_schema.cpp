// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/json_schema.h"

#include <cmath>

namespace blackstart::cli {
namespace {

using Json = nlohmann::ordered_json;

Json number_schema(const Format::Range& range) {
  const auto bound = [](double value) {
    return value == std::floor(value) ? Json(static_cast<int64_t>(value)) : Json(value);
  };
  Json schema{{"type", range.whole ? "integer" : "number"}, {"minimum", bound(range.least)}};
  if (std::isfinite(range.most)) schema["maximum"] = bound(range.most);
  return schema;
}

Json text_schema(const Format& format) {
  Json schema{{"type", "string"}};
  if (format.as_written) schema["type"] = {"string", "number", "boolean"};
  if (!format.pattern.empty()) schema["pattern"] = format.pattern;
  // A pattern says nothing of a number; none of ours takes a sign.
  if (format.as_written && !format.pattern.empty()) schema["minimum"] = 0;
  return schema;
}

Json format_schema(const Format& format) {
  if (!format.words.empty()) return {{"enum", format.words}};
  if (format.boolean) return {{"type", "boolean"}};
  if (!format.number) return text_schema(format);
  if (!format.text) return number_schema(*format.number);
  return {{"anyOf", {number_schema(*format.number), text_schema(format)}}};
}

Json required(const std::vector<std::string>& keys) {
  return {{"required", keys}};
}

Json each_required(const std::vector<std::string>& keys) {
  Json all = Json::array();
  for (const std::string& key : keys) all.push_back(required({key}));
  return all;
}

Json object_schema(const Shape& shape) {
  Json schema{{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
  std::vector<std::string> needed;
  for (const Field& field : shape.fields) {
    Json property = json_schema(field.shape);
    property["description"] = field.description;
    schema["properties"][field.name] = std::move(property);
    if (field.required) needed.push_back(field.name);
  }
  if (!needed.empty()) schema["required"] = needed;
  Json groups = Json::array();
  for (const auto& group : shape.exactly_one) groups.push_back({{"oneOf", each_required(group)}});
  for (const auto& group : shape.at_least_one) groups.push_back({{"anyOf", each_required(group)}});
  for (const auto& group : shape.at_most_one)
    for (size_t i = 0; i < group.size(); ++i)
      for (size_t j = i + 1; j < group.size(); ++j)
        groups.push_back({{"not", required({group[i], group[j]})}});
  if (!groups.empty()) schema["allOf"] = std::move(groups);
  return schema;
}

}  // namespace

Json json_schema(const Shape& shape) {
  switch (shape.type) {
    case Shape::Type::kScalar:
      return format_schema(shape.format);
    case Shape::Type::kObject:
      return object_schema(shape);
    case Shape::Type::kList: {
      Json schema{{"type", "array"}, {"items", json_schema(shape.parts.front())}};
      if (shape.least > 0) schema["minItems"] = shape.least;
      if (shape.most < Shape::kAny) schema["maxItems"] = shape.most;
      return schema;
    }
    case Shape::Type::kMap: {
      Json schema{{"type", "object"}, {"additionalProperties", json_schema(shape.parts.front())}};
      if (!shape.format.pattern.empty()) schema["propertyNames"] = {{"pattern", shape.format.pattern}};
      if (shape.least > 0) schema["minProperties"] = shape.least;
      return schema;
    }
    case Shape::Type::kEither:
    case Shape::Type::kCases:
      break;
  }
  Json all = Json::array();
  for (const Shape& part : shape.parts) all.push_back(json_schema(part));
  for (const Case& one : shape.cases) all.push_back(json_schema(one.shape));
  return {{"anyOf", std::move(all)}};
}

}  // namespace blackstart::cli
