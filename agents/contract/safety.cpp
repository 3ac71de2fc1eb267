// SPDX-License-Identifier: Apache-2.0
#include "agents/contract/safety.h"

#include <initializer_list>

namespace blackstart {
namespace {

std::vector<Prefix> literals(std::initializer_list<const char*> texts) {
  std::vector<Prefix> list;
  for (const char* text : texts) list.push_back(Prefix::parse(text).value());
  return list;
}

}  // namespace

const std::vector<Prefix>& link_scope() {
  static const auto list =
      literals({"169.254.0.0/16", "224.0.0.0/24", "255.255.255.255", "fe80::/10", "ff01::/16", "ff02::/16"});
  return list;
}

const std::vector<Prefix>& everyone() {
  static const auto list = literals({"0.0.0.0/0", "::/0"});
  return list;
}

}  // namespace blackstart
