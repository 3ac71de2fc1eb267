// SPDX-License-Identifier: Apache-2.0
#include "injector/record/event_log.h"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>

#include <fstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "injector/plan/sha256.h"
#include "injector/record/shallow_json.h"
#include "injector/record/write_file.h"

namespace blackstart {
namespace {

using nlohmann::json;

std::string bytes_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Adds the hash and returns the line without its newline. Keys are sorted, so one event has one form.
std::string seal(json& event) {
  event.erase("hash");
  event["hash"] = sha256_hex(bytes_of(event));
  return bytes_of(event);
}

}  // namespace

Result<EventLog> EventLog::create(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return fail_errno(errno, "create event log", file);
  return EventLog(file, fd);
}

EventLog::~EventLog() {
  if (fd_ >= 0) ::close(fd_);
}

EventLog::EventLog(EventLog&& other) noexcept
    : file_(std::move(other.file_)),
      fd_(std::exchange(other.fd_, -1)),
      next_(other.next_),
      broken_(other.broken_),
      head_(std::move(other.head_)) {}

EventLog& EventLog::operator=(EventLog&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(fd_, other.fd_);
  std::swap(next_, other.next_);
  std::swap(broken_, other.broken_);
  std::swap(head_, other.head_);
  return *this;
}

Result<> EventLog::append(std::string_view type, const json& data, UnixNs at) {
  if (broken_ || fd_ < 0)
    return fail(ErrorKind::kInternal, "append to event log", file_, 0, "an earlier write failed");
  json event{{"seq", next_}, {"unix_ns", at}, {"type", type}, {"data", data}, {"prev", head_}};
  const std::string line = seal(event);
  if (!write_all(fd_, line + "\n") || ::fdatasync(fd_) != 0) {
    broken_ = true;
    return fail_errno(errno, "append to event log", file_);
  }
  ++next_;
  head_ = event["hash"];
  return {};
}

tl::expected<VerifiedLog, Problem> verify_log(const std::string& file, const std::string& head) {
  VerifiedLog verified;
  const auto broken = [&](std::string what) {
    const int line = static_cast<int>(verified.events) + 1;
    return tl::unexpected(Problem{Problem::Kind::kInvalid, {file, line}, std::move(what), ""});
  };
  std::ifstream in(file, std::ios::binary);
  if (!in) return tl::unexpected(Problem{Problem::Kind::kInvalid, {file}, "cannot be read", ""});
  // Nothing the log writes is nested deeper; what is, is left out, and the hash tells.
  for (std::string line; std::getline(in, line);) {
    if (in.eof()) return broken("the line is cut off");
    json event = parse_shallow(line);
    if (!event.is_object()) return broken("this is no event");
    if (event.value("seq", json()) != json(verified.events))
      return broken("`seq` is not " + std::to_string(verified.events) + ": an event was added or taken out");
    if (event.value("prev", json()) != json(verified.head))
      return broken("`prev` is not the hash of the line before");
    if (seal(event) != line) return broken("`hash` is not that of this line: it is not what was written");
    const json type = event.value("type", json());
    verified.last = {type.is_string() ? type.get<std::string>() : "", bytes_of(event.value("data", json()))};
    if (verified.events == 0) verified.first = verified.last;
    verified.head = event["hash"];
    ++verified.events;
  }
  if (!head.empty() && verified.head != head)
    return broken("the log does not end in the head given: " + head);
  return verified;
}

}  // namespace blackstart
