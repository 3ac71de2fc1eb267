// SPDX-License-Identifier: Apache-2.0
#include "injector/report/markup.h"

#include <cstdint>

namespace blackstart::report {
namespace {

constexpr char kReplacement[] = "\xef\xbf\xbd";

// How many bytes the UTF-8 sequence at `at` has; 0: it is none, or no character XML allows.
size_t sequence_at(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(at);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 && first < 0xf5   ? 4
                        : first >= 0xe0 && first < 0xf0 ? 3
                        : first >= 0xc2 && first < 0xe0 ? 2
                                                        : 0;
  if (length == 0 || at + length > text.size()) return 0;
  uint32_t code = first & (0xff >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(at + i) & 0x3f);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool forbidden =
      (code >= 0xd800 && code < 0xe000) || code == 0xfffe || code == 0xffff || code > 0x10ffff;
  return overlong || forbidden ? 0 : length;
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t length = sequence_at(text, at);
    const char c = text[at];
    if (length == 0)
      out += kReplacement;
    else if (length > 1)
      out.append(text, at, length);
    else if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else
      out += (static_cast<uint8_t>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? ' ' : c;
    at += length == 0 ? 1 : length;
  }
  return out;
}

}  // namespace blackstart::report
