// SPDX-License-Identifier: Apache-2.0
// The bytes of a journal, apart from any file:
//
//   header   "BSJOURNL", version (4 bytes), zero (4 bytes)
//   frame*   length of the body (4 bytes), CRC-32 of length and body (4 bytes), body: journal::Entry
//
// Integers are little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agents/contract/result.h"
#include "agents/runtime/journal.pb.h"

namespace blackstart {

inline constexpr uint32_t kJournalVersion = 1;
inline constexpr size_t kJournalHeader = 16;
inline constexpr uint32_t kLongestEntry = 64u << 10;

std::string journal_header();
std::string journal_frame(const journal::Entry& entry);

struct JournalText {
  std::vector<journal::Entry> entries;
  size_t good = 0;  // bytes up to the end of the last whole frame; 0: not even the header is whole
};

// Reads up to the first frame that is torn or garbage. Fails only on what is no journal (kInvalid), or
// one of a newer version (kRefused). Never reads past `bytes`, whatever they say.
Result<JournalText> parse_journal(std::string_view bytes);

}  // namespace blackstart
