// SPDX-License-Identifier: Apache-2.0
// A fuzz target is one function over bytes that anybody could have written. It must neither crash nor
// read out of bounds, and what it checks beside that must hold for every input; libFuzzer calls it with
// what it makes up, tests/fuzz/replay.cpp with the files of the corpus.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace blackstart::fuzz {

inline std::string text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// What must hold for every input.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace blackstart::fuzz
