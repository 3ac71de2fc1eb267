// SPDX-License-Identifier: Apache-2.0
#include "agents/runtime/journal_format.h"

#include <boost/crc.hpp>

namespace blackstart {
namespace {

constexpr std::string_view kMagic = "BSJOURNL";

std::string little_endian(uint32_t number) {
  std::string out;
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(number >> shift & 0xff);
  return out;
}

uint32_t number_at(std::string_view bytes, size_t at) {
  uint32_t out = 0;
  for (size_t i = 0; i < 4; ++i) out |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  return out;
}

uint32_t checksum(std::string_view length, std::string_view body) {
  boost::crc_32_type crc;
  crc.process_bytes(length.data(), length.size());
  crc.process_bytes(body.data(), body.size());
  return crc.checksum();
}

}  // namespace

std::string journal_header() {
  return std::string(kMagic) + little_endian(kJournalVersion) + little_endian(0);
}

std::string journal_frame(const journal::Entry& entry) {
  const std::string body = entry.SerializeAsString();
  const std::string length = little_endian(static_cast<uint32_t>(body.size()));
  return length + little_endian(checksum(length, body)) + body;
}

Result<JournalText> parse_journal(std::string_view bytes) {
  // A header that a crash cut short, or never got past the file system's zeroes, has nothing behind it.
  const std::string_view start = bytes.substr(0, kMagic.size());
  if (bytes.size() < kJournalHeader) {
    if (journal_header().starts_with(bytes) || bytes.find_first_not_of('\0') == std::string_view::npos ||
        start == kMagic)
      return JournalText{};
  }
  if (start != kMagic)
    return fail(ErrorKind::kInvalid, "read", "the journal", 0,
                "it is no journal of blackstart-agent; look at it, then move it away");
  if (const uint32_t version = number_at(bytes, kMagic.size()); version != kJournalVersion)
    return fail(ErrorKind::kRefused, "read", "the journal", 0,
                "it has version " + std::to_string(version) + ", this agent knows " +
                    std::to_string(kJournalVersion) +
                    ": let the agent that wrote it take back what it did (blackstart-agent reap)");

  JournalText out;
  out.good = kJournalHeader;
  while (bytes.size() - out.good >= 8) {
    const uint32_t length = number_at(bytes, out.good);
    if (length > kLongestEntry || length > bytes.size() - out.good - 8) break;
    const std::string_view body = bytes.substr(out.good + 8, length);
    if (number_at(bytes, out.good + 4) != checksum(bytes.substr(out.good, 4), body)) break;
    journal::Entry entry;
    if (!entry.ParseFromArray(body.data(), static_cast<int>(body.size()))) break;
    out.entries.push_back(std::move(entry));
    out.good += 8 + length;
  }
  return out;
}

}  // namespace blackstart
