// SPDX-License-Identifier: Apache-2.0
// Length-prefixed messages over a non-blocking stream socket; both ends of the embedded channel.
#pragma once

#include <string>

namespace blackstart::embedded {

inline constexpr uint32_t kLongestMessage = 64u << 20;

enum class Progress { kAgain, kDone, kClosed, kBroken };

// The 4-byte length and the body, ready to send.
std::string frame(const std::string& body);

// Sends as much as fits; removes what was sent from `rest`. kDone once nothing is left.
Progress send_some(int fd, std::string& rest);

// Reads as much as is there. kDone once `buffer` holds one whole frame; its body is then
// buffer.substr(4). kBroken: longer than allowed, or a read error.
Progress receive_some(int fd, std::string& buffer);

}  // namespace blackstart::embedded
