// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace blackstart::cli {

struct ListenAddress {
  std::string host;  // without the brackets of an IPv6 address
  int port = 0;      // 0: a free one
};
// Of "ADDRESS:PORT" or "[ADDRESS]:PORT"; nullopt: it is none.
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(const std::string& text);

}  // namespace blackstart::cli
