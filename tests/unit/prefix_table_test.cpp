// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/traffic/prefix_table.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace blackstart {
namespace {

Prefix prefix(const std::string& text) {
  return Prefix::parse(text).value();
}

struct Noted {
  Prefix prefix;
  uint64_t bit;
  bool peer;  // false: except
};

// What the words say, one address at a time: of each bit the most specific prefix decides.
uint64_t meant(const std::vector<Noted>& notes, const Address& address) {
  uint64_t out = 0;
  for (int i = 0; i < 64; ++i) {
    const uint64_t bit = uint64_t{1} << i;
    int longest = -1;
    bool in = false;
    for (const Noted& note : notes) {
      if (note.bit != bit || !note.prefix.contains(address) || note.prefix.length < longest) continue;
      in = note.prefix.length == longest ? in && note.peer : note.peer;
      longest = note.prefix.length;
    }
    if (in) out |= bit;
  }
  return out;
}

Address in_test_net(unsigned last, bool v6) {
  Address out = *Address::parse(v6 ? "fd00:18::" : "198.18.1.0");
  out.bytes[v6 ? 15 : 3] = static_cast<uint8_t>(last);
  return out;
}

bool siblings(const Prefix& a, const Prefix& b) {
  if (a.length != b.length || a.length == 0 || a == b) return false;
  Address base = a.base;
  base.bytes[(a.length - 1) / 8] ^= static_cast<uint8_t>(0x80 >> ((a.length - 1) % 8));
  return base == b.base;
}

class RandomPrefixes : public testing::TestWithParam<bool> {};

TEST_P(RandomPrefixes, CompiledTableSaysWhatEveryPrefixSays) {
  const bool v6 = GetParam();
  std::mt19937 random(18);
  const auto draw = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  for (int round = 0; round < 400; ++round) {
    PrefixTable table;
    std::vector<Noted> notes;
    const unsigned size = 1 + draw(40);
    for (unsigned i = 0; i < size; ++i) {
      const unsigned host_bits = draw(9);
      Prefix p{in_test_net(draw(256) >> host_bits << host_bits, v6), 0};
      p.length = static_cast<uint8_t>(p.base.bits() - static_cast<int>(host_bits));
      const Noted note{p, uint64_t{1} << draw(4), draw(3) != 0};
      notes.push_back(note);
      note.peer ? table.set(note.prefix, note.bit) : table.clear(note.prefix, note.bit);
    }
    const auto entries = table.compile(v6, ~0ull);
    const auto in_first = ranges(entries, 1);
    for (unsigned last = 0; last < 256; ++last) {
      const Address address = in_test_net(last, v6);
      const uint64_t expected = meant(notes, address);
      ASSERT_EQ(find(entries, address).bits, expected) << "round " << round << ", " << address.text();
      int inside = 0;
      for (const AddressRange& range : in_first) inside += range.first <= address && address <= range.last;
      ASSERT_EQ(inside, expected & 1) << "round " << round << ", " << address.text();
    }
    for (const PeerEntry& entry : entries) {
      PeerValue outer;  // entries come outer before inner, so the last one is the nearest
      for (const PeerEntry& other : entries) {
        if (other.prefix != entry.prefix && other.prefix.contains(entry.prefix)) outer = other.value;
        const bool halves = siblings(entry.prefix, other.prefix);
        ASSERT_FALSE(halves && other.value == entry.value) << entry.prefix.text() << " and its other half";
      }
      ASSERT_NE(entry.value, outer) << "round " << round << ": " << entry.prefix.text()
                                    << " repeats its outer one";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, RandomPrefixes, testing::Bool(),
                         [](const auto& family) { return family.param ? "v6" : "v4"; });

TEST(PrefixTableTest, AWholeSubnetOfSingleAddressesIsOnePrefix) {
  PrefixTable table;
  for (int i = 0; i < 256; ++i) table.set(prefix("198.18.1." + std::to_string(i)), 2);
  const auto entries = table.compile(false, ~0ull);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].prefix.text(), "198.18.1.0/24");
}

TEST(PrefixTableTest, TheWholeAddressSpaceIsOneRange) {
  PrefixTable table;
  table.set(prefix("0.0.0.0/0"), 1);
  table.clear(prefix("255.255.255.255"), 1);
  const auto found = ranges(table.compile(false, ~0ull), 1);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].first.text(), "0.0.0.0");
  EXPECT_EQ(found[0].last.text(), "255.255.255.254");
}

TEST(PrefixTableTest, SitesAreKeptOnlyWhereARuleLooks) {
  PrefixTable table;
  table.set_site(prefix("198.18.1.0/24"), 1);
  table.set_site(prefix("198.18.2.0/24"), 2);
  table.set(prefix("198.18.2.0/25"), 2);
  table.set(prefix("198.18.1.0/24"), 1);
  const auto entries = table.compile(false, 2);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].prefix.text(), "198.18.2.0/25");
  EXPECT_EQ(entries[0].value.site, 2);
}

}  // namespace
}  // namespace blackstart
