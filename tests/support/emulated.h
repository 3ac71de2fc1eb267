// SPDX-License-Identifier: Apache-2.0
// An emulated processor is many times slower than the one the promises are made for: there a test shows
// that something happens, and where it runs for itself, when.
#pragma once

#include <chrono>
#include <cstdlib>

namespace blackstart::test {

inline bool emulated() {
  static const bool is = std::getenv("BLACKSTART_TEST_EMULATED") != nullptr;
  return is;
}

// How long to wait for what a processor of its own does within `native`.
inline std::chrono::milliseconds patience(std::chrono::milliseconds native) {
  return emulated() ? native * 8 : native;
}

}  // namespace blackstart::test
