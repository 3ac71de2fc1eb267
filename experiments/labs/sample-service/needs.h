// SPDX-License-Identifier: Apache-2.0
// What the sample service depends on, and asking it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace sample {

// One dependency: alternatives in the order of fail-over, the first that answers is enough.
// tcp://HOST:PORT accepts · http://HOST:PORT/PATH answers 200 · redis://HOST:PORT answers PING ·
// redis-write://HOST:PORT takes a SET
struct Need {
  std::string name;
  std::vector<std::string> alternatives;
};

// "NAME=URL,URL..." or "URL,URL..." (then the first URL is the name); nullopt: not a need.
std::optional<Need> parse_need(const std::string& text);

struct Answer {
  bool ok = false;
  std::string text;  // which alternative answered and how fast, or why none did
};

// Asks one need. Names are resolved anew at each call; an alternative has at most `timeout`, with all
// the addresses of its name.
Answer ask(const Need& need, std::chrono::milliseconds timeout);

// Asks all of them at the same time; the answers stand in the same order.
std::vector<Answer> ask_all(const std::vector<Need>& needs, std::chrono::milliseconds timeout);

}  // namespace sample
