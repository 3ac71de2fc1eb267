// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blackstart {

// An IPv4 or IPv6 address in network byte order; IPv4 uses the first 4 bytes, the rest is zero.
struct Address {
  std::array<uint8_t, 16> bytes{};
  bool v6 = false;

  [[nodiscard]] int bits() const { return v6 ? 128 : 32; }
  [[nodiscard]] int size() const { return v6 ? 16 : 4; }
  [[nodiscard]] std::string text() const;
  // Literal addresses only; nothing is resolved.
  static std::optional<Address> parse(std::string_view text);

  auto operator<=>(const Address&) const = default;
};

// Invariant: bits behind `length` are zero.
struct Prefix {
  Address base;
  uint8_t length = 0;

  [[nodiscard]] bool contains(const Address& address) const;
  [[nodiscard]] bool contains(const Prefix& other) const;
  [[nodiscard]] bool overlaps(const Prefix& other) const { return contains(other) || other.contains(*this); }
  [[nodiscard]] std::string text() const;  // "198.18.1.0/24"; a single address without "/32"
  static Prefix of(const Address& address) { return {address, static_cast<uint8_t>(address.bits())}; }
  // "A/N" or "A". Host bits set are an error: a prefix written carelessly is a target chosen carelessly.
  static std::optional<Prefix> parse(std::string_view text);

  auto operator<=>(const Prefix&) const = default;
};

}  // namespace blackstart
