// SPDX-License-Identifier: Apache-2.0
// Text packets over a unix socket that keeps their borders (SOCK_SEQPACKET).
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "agents/contract/result.h"
#include "agents/kernel/fd.h"

namespace blackstart {

// A packet never holds more; a longer text is cut.
inline constexpr size_t kLongestPacket = 8192;

// All descriptors are close-on-exec and non-blocking.
[[nodiscard]] Result<Fd> connect_packets(const std::filesystem::path& socket);
// For its owner alone. What stands at the path, and nobody listens to, is replaced.
[[nodiscard]] Result<Fd> listen_packets(const std::filesystem::path& socket);
[[nodiscard]] Fd accept_packets(const Fd& listener);  // not valid: nobody there

[[nodiscard]] Result<> send_packet(const Fd& socket, const std::string& text);
// nullopt: none has come yet. ECONNRESET: the other side is gone.
[[nodiscard]] Result<std::optional<std::string>> receive_packet(const Fd& socket);

}  // namespace blackstart
