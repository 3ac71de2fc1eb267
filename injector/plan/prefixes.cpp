// SPDX-License-Identifier: Apache-2.0
#include "injector/plan/prefixes.h"

#include <algorithm>
#include <tuple>

namespace blackstart {
namespace {

// The prefix one bit shorter.
Prefix parent(Prefix prefix) {
  --prefix.length;
  prefix.base.bytes[prefix.length / 8] &= static_cast<uint8_t>(~(0x80 >> (prefix.length % 8)));
  return prefix;
}

}  // namespace

bool covered(const Prefix& prefix, const std::vector<Prefix>& by) {
  return std::any_of(by.begin(), by.end(), [&](const Prefix& wide) { return wide.contains(prefix); });
}

bool most_specific_is_in(const std::vector<Prefix>& prefixes, const std::vector<Prefix>& except,
                         const Prefix& prefix) {
  const auto longest = [&](const std::vector<Prefix>& list) {
    int length = -1;
    for (const Prefix& wide : list)
      if (wide.contains(prefix)) length = std::max<int>(length, wide.length);
    return length;
  };
  return longest(prefixes) > longest(except);
}

void append(std::vector<Prefix>& to, const std::vector<Prefix>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

std::vector<Prefix> tidy(std::vector<Prefix> prefixes) {
  std::sort(prefixes.begin(), prefixes.end());
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  return prefixes;
}

std::vector<Prefix> merged(std::vector<Prefix> prefixes) {
  // By address, wide before narrow: what covers a prefix, or is its lower half's sibling, stands right
  // before it in the result.
  std::sort(prefixes.begin(), prefixes.end(), [](const Prefix& a, const Prefix& b) {
    return std::tie(a.base.v6, a.base.bytes, a.length) < std::tie(b.base.v6, b.base.bytes, b.length);
  });
  std::vector<Prefix> out;
  for (Prefix next : prefixes) {
    if (!out.empty() && out.back().contains(next)) continue;
    while (!out.empty() && next.length > 0 && out.back().length == next.length &&
           parent(out.back()) == parent(next)) {
      next = parent(next);
      out.pop_back();
    }
    out.push_back(next);
  }
  return out;
}

std::vector<Prefix> addresses_of(const Host& host) {
  std::vector<Prefix> list;
  for (const Address& address : host.addresses) list.push_back(Prefix::of(address));
  return list;
}

}  // namespace blackstart
