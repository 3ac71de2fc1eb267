// SPDX-License-Identifier: Apache-2.0
// What an agent may find in its journal after a crash, or after somebody wrote to it.
#include "agents/runtime/journal_format.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace blackstart;
  const std::string text = fuzz::text_of(data, size);
  // A checksum keeps made-up bytes out, so the same bytes are tried as an entry too.
  if (journal::Entry entry; entry.ParseFromString(text)) {
    const auto framed = parse_journal(journal_header() + journal_frame(entry));
    fuzz::require(framed && (entry.ByteSizeLong() > kLongestEntry ||
                             (framed->entries.size() == 1 &&
                              framed->entries[0].SerializeAsString() == entry.SerializeAsString())),
                  "what was written is read");
  }
  const auto journal = parse_journal(text);
  if (!journal) {
    fuzz::require(!journal.error().message().empty(), "what is refused has a reason");
    return 0;
  }
  fuzz::require(journal->good <= size, "nothing is read past the end");
  // What is good stays so with the tail cut off, and says the same.
  const auto again = parse_journal(std::string_view(text).substr(0, journal->good));
  fuzz::require(again && again->good == journal->good && again->entries.size() == journal->entries.size(),
                "the tail changes nothing before it");
  return 0;
}
