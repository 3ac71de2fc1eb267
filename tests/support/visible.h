// SPDX-License-Identifier: Apache-2.0
// What a reader sees of a report, without the markup around it.
#pragma once

#include <string>

namespace blackstart {

// Of HTML and of JUnit XML: the text, and the attributes of what JUnit judged.
inline std::string visible(const std::string& markup) {
  // Not by regular expression: std::regex recurses over the length of what it matches.
  std::string text = markup;
  if (const size_t from = text.find("<style>"), to = text.rfind("</style>"); to != std::string::npos)
    text.replace(from, to - from, " ");
  for (const char* open : {"<testcase", "<property", "<failure", "<error", "<skipped"})
    for (size_t at = 0; (at = text.find(open, at)) != std::string::npos;)
      text.replace(at, std::string(open).size(), " ");
  std::string out;
  bool inside = false;
  for (const char letter : text) {
    if (letter == '<' || (inside && letter == '>'))
      out += ' ';
    else if (!inside)
      out += letter;
    inside = letter == '<' || (inside && letter != '>');
  }
  return out;
}

}  // namespace blackstart
