// SPDX-License-Identifier: Apache-2.0
// The record of one run, which cannot be edited quietly (safety rule S14).
//
// One JSON object a line: seq (from 0), unix_ns, type, data, prev, hash. `hash` is the SHA-256 of the
// line without it, `prev` the line before's; the first one's `prev` is empty. Whoever keeps the head
// can prove that nothing before it was changed, added or taken out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "agents/contract/result.h"
#include "agents/contract/units.h"
#include "agents/language/problem.h"

namespace blackstart {

class EventLog {
 public:
  // Creates the file; one that exists is an error, since a run's log is its own.
  [[nodiscard]] static Result<EventLog> create(const std::string& file);
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;
  EventLog(EventLog&& other) noexcept;
  EventLog& operator=(EventLog&& other) noexcept;

  // One event, written whole and flushed to the disk. After a failure the chain ends where it was, and
  // further events are refused.
  [[nodiscard]] Result<> append(std::string_view type, const nlohmann::json& data, UnixNs at = unix_now());

  [[nodiscard]] const std::string& head() const { return head_; }  // "" before the first event
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  EventLog(std::string file, int fd) : file_(std::move(file)), fd_(fd) {}

  std::string file_;
  int fd_ = -1;
  uint64_t next_ = 0;
  bool broken_ = false;
  std::string head_;
};

struct VerifiedLog {
  struct Event {
    std::string type, data;  // data as JSON
  };
  uint64_t events = 0;
  std::string head;   // "" without an event
  Event first, last;  // the same one where there is only one
};
// Reads the whole chain. Fails at the first line that is not what was written, with the line and the
// field that does not fit, and, where `head` is given, when the chain does not end in it. A chain cut
// off behind an event is a chain still: only the head tells.
[[nodiscard]] tl::expected<VerifiedLog, Problem> verify_log(const std::string& file,
                                                            const std::string& head = {});

}  // namespace blackstart
