// SPDX-License-Identifier: Apache-2.0
// Telling whether something large is still the same, within one process. Not for storing, and no
// protection against anybody.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

namespace blackstart {

inline uint64_t digest(std::string_view bytes) {
  return std::hash<std::string_view>{}(bytes);
}

// Of a sequence: its order matters.
inline uint64_t digest_after(uint64_t before, uint64_t next) {
  return (before ^ next) * 0x9e3779b97f4a7c15ULL + (before >> 29);
}

inline std::string digest_text(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace blackstart
