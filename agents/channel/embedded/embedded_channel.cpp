// SPDX-License-Identifier: Apache-2.0
#include "agents/channel/embedded/embedded_channel.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "agents/channel/embedded/stream.h"
#include "agents/contract/wire.h"

namespace blackstart {
namespace {

using Clock = std::chrono::steady_clock;
using embedded::Progress;

// One question to one host, from connect to reply.
struct Call {
  std::string host;
  int fd = -1;
  std::string rest;    // still to send
  std::string buffer;  // received so far

  ~Call() {
    if (fd >= 0) close(fd);
  }
};

Result<contract::Reply> unreachable(const std::string& host, int code, const char* hint) {
  return fail(ErrorKind::kUnreachable, "ask the agent of", host, code, hint);
}

Result<int> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail_errno(ENAMETOOLONG, "connect to", path);
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fail_errno(errno, "open a unix socket");
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    const int code = errno;
    close(fd);
    return fail_errno(code, "connect to", path);
  }
  return fd;
}

// Every answer of an agent is a failure or holds its report; what is neither tells nothing of the host.
Result<contract::Reply> read_reply(const Call& call) {
  contract::Reply reply;
  const bool read = reply.ParseFromArray(call.buffer.data() + 4, static_cast<int>(call.buffer.size()) - 4);
  if (!read || (!reply.has_failure() && !reply.has_report()))
    return unreachable(call.host, EPROTO, "what it answered is no reply");
  if (reply.has_failure()) return tl::unexpected<Error>(from_wire(reply.failure()));
  return reply;
}

}  // namespace

Result<std::vector<std::string>> EmbeddedChannel::hosts() {
  std::vector<std::string> names;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, code))
    if (entry.path().extension() == ".sock") names.push_back(entry.path().stem());
  if (code && code.value() != ENOENT) return fail_errno(code.value(), "list the agents in", directory_);
  std::sort(names.begin(), names.end());
  return names;
}

std::map<std::string, Result<contract::Reply>> EmbeddedChannel::call_all(
    const std::map<std::string, contract::Request>& requests, std::chrono::milliseconds timeout) {
  std::map<std::string, Result<contract::Reply>> answers;
  std::vector<std::unique_ptr<Call>> open;
  for (const auto& [host, request] : requests) {
    auto fd = connect_to(directory_ + "/" + host + ".sock");
    if (!fd) {
      const bool busy = fd.error().code == EAGAIN;  // it is there, and has not taken the last questions
      answers.emplace(host, busy ? unreachable(host, ETIMEDOUT, "")
                                 : unreachable(host, fd.error().code, "is blackstart-agent running there?"));
      continue;
    }
    auto call = std::make_unique<Call>();
    call->host = host;
    call->fd = *fd;
    call->rest = embedded::frame(request.SerializeAsString());
    open.push_back(std::move(call));
  }

  const auto deadline = Clock::now() + timeout;
  std::vector<pollfd> polled;
  while (!open.empty()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left < 0) break;
    polled.clear();
    for (const auto& call : open)
      polled.push_back({call->fd, static_cast<short>(call->rest.empty() ? POLLIN : POLLOUT), 0});
    if (poll(polled.data(), polled.size(), static_cast<int>(left) + 1) < 0 && errno != EINTR) break;
    for (size_t i = 0; i < open.size(); ++i) {
      if (polled[i].revents == 0) continue;
      Call& call = *open[i];
      Progress progress = call.rest.empty() ? Progress::kDone : embedded::send_some(call.fd, call.rest);
      if (progress == Progress::kDone) progress = embedded::receive_some(call.fd, call.buffer);
      if (progress == Progress::kAgain) continue;
      answers.emplace(call.host,
                      progress == Progress::kDone
                          ? read_reply(call)
                          : unreachable(call.host, 0, "it closed the connection without an answer"));
      open[i].reset();
    }
    std::erase(open, nullptr);
  }
  for (const auto& call : open) answers.emplace(call->host, unreachable(call->host, ETIMEDOUT, ""));
  return answers;
}

}  // namespace blackstart
