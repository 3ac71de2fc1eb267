// SPDX-License-Identifier: Apache-2.0
#include "agents/contract/ip.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace blackstart {
namespace {

bool same_bits(const Address& a, const Address& b, int count) {
  const int whole = count / 8, rest = count % 8;
  if (std::memcmp(a.bytes.data(), b.bytes.data(), whole) != 0) return false;
  if (rest == 0) return true;
  const uint8_t mask = static_cast<uint8_t>(0xff << (8 - rest));
  return (a.bytes[whole] & mask) == (b.bytes[whole] & mask);
}

}  // namespace

std::string Address::text() const {
  char buffer[INET6_ADDRSTRLEN];
  return inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), buffer, sizeof buffer);
}

std::optional<Address> Address::parse(std::string_view text) {
  const std::string copy(text);
  Address address;
  if (inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) return address;
  address.v6 = true;
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

bool Prefix::contains(const Address& address) const {
  return address.v6 == base.v6 && same_bits(base, address, length);
}

bool Prefix::contains(const Prefix& other) const {
  return other.length >= length && contains(other.base);
}

std::string Prefix::text() const {
  return length == base.bits() ? base.text() : base.text() + "/" + std::to_string(length);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return of(*address);
  const auto digits = text.substr(slash + 1);
  int length = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  if (length < 0 || length > address->bits()) return std::nullopt;
  Address masked = *address;
  for (int bit = length; bit < address->bits(); ++bit)
    masked.bytes[bit / 8] &= static_cast<uint8_t>(~(0x80 >> (bit % 8)));
  if (masked != *address) return std::nullopt;
  return Prefix{*address, static_cast<uint8_t>(length)};
}

}  // namespace blackstart
