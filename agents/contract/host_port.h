// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace blackstart {

struct HostPort {
  std::string host;  // without the brackets of an IPv6 address
  int port = 0;      // where one listens, 0: a free one
};
// Of "HOST:PORT" or "[ADDRESS]:PORT"; nullopt: it is none.
[[nodiscard]] std::optional<HostPort> parse_host_port(const std::string& text);

}  // namespace blackstart
