// SPDX-License-Identifier: Apache-2.0
#include "injector/lab/placeholders.h"

#include <algorithm>

namespace blackstart::lab {
namespace {

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
}

std::string known(const std::map<std::string, std::string>& values) {
  std::string list;
  for (const auto& [word, value] : values) list += (list.empty() ? "{" : " {") + word + "}";
  return list;
}

}  // namespace

Result<std::string> expand(std::string_view text, const std::map<std::string, std::string>& values,
                           const std::string& where) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    if (text.substr(i, 2) == "{{") {
      result += "{{";
      i += 2;
      continue;
    }
    const size_t close = text[i] == '{' ? text.find('}', i) : std::string_view::npos;
    const std::string_view word = close == std::string_view::npos ? "" : text.substr(i + 1, close - i - 1);
    if (!is_word(word)) {
      result += text[i++];
      continue;
    }
    const auto value = values.find(std::string(word));
    if (value == values.end())
      return fail(ErrorKind::kInvalid, "expand {" + std::string(word) + "} in", where, 0,
                  "known here: " + known(values));
    result += value->second;
    i = close + 1;
  }
  return result;
}

}  // namespace blackstart::lab
