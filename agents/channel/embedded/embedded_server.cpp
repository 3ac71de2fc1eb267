// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "agents/channel/embedded/embedded_channel.h"
#include "agents/channel/embedded/stream.h"
#include "agents/contract/wire.h"

namespace blackstart {
namespace {

using Clock = std::chrono::steady_clock;
using embedded::Progress;
constexpr auto kPatience = std::chrono::seconds(5);
constexpr size_t kMostConnections = 64;

}  // namespace

struct EmbeddedServer::Connection {
  int fd;
  std::string buffer;  // the request so far
  std::string rest;    // the reply still to send
  Clock::time_point deadline = Clock::now() + kPatience;

  explicit Connection(int descriptor) : fd(descriptor) {}
  ~Connection() { close(fd); }

  // True once the exchange is over, well or badly.
  bool advance(const Answer& answer) {
    if (rest.empty()) {
      const Progress progress = embedded::receive_some(fd, buffer);
      if (progress == Progress::kAgain) return false;
      if (progress != Progress::kDone) return true;
      contract::Request request;
      contract::Reply reply;
      if (request.ParseFromArray(buffer.data() + 4, static_cast<int>(buffer.size()) - 4))
        reply = answer(request);
      else
        to_wire(Error{ErrorKind::kInvalid, "read the request"}, reply.mutable_failure());
      rest = embedded::frame(reply.SerializeAsString());
      std::string().swap(buffer);
    }
    return embedded::send_some(fd, rest) != Progress::kAgain;
  }
};

Result<std::unique_ptr<EmbeddedServer>> EmbeddedServer::make(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail_errno(ENAMETOOLONG, "listen on", path);
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);

  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fail_errno(errno, "open a unix socket");
  if (connect(fd, generic, sizeof address) == 0) {
    close(fd);
    return fail(ErrorKind::kRefused, "listen on", path, EADDRINUSE, "another agent answers there");
  }
  unlink(path.c_str());
  if (bind(fd, generic, sizeof address) < 0 || chmod(path.c_str(), 0600) < 0 || listen(fd, 64) < 0) {
    const int code = errno;
    close(fd);
    return fail_errno(code, "listen on", path);
  }
  return std::unique_ptr<EmbeddedServer>(new EmbeddedServer(path, fd));
}

EmbeddedServer::EmbeddedServer(std::string path, int listener)
    : path_(std::move(path)), listener_(listener) {}

EmbeddedServer::~EmbeddedServer() {
  close(listener_);
  unlink(path_.c_str());
}

void EmbeddedServer::add_to(std::vector<pollfd>& wanted) const {
  wanted.push_back({listener_, POLLIN, 0});
  for (const auto& connection : connections_)
    wanted.push_back({connection->fd, static_cast<short>(connection->rest.empty() ? POLLIN : POLLOUT), 0});
}

void EmbeddedServer::accept_all() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    if (connections_.size() >= kMostConnections)
      close(fd);
    else
      connections_.push_back(std::make_unique<Connection>(fd));
  }
}

void EmbeddedServer::handle(const std::vector<pollfd>& ready, const Answer& answer) {
  for (const pollfd& descriptor : ready) {
    if (descriptor.revents == 0) continue;
    for (auto& connection : connections_)
      if (connection && connection->fd == descriptor.fd && connection->advance(answer)) connection.reset();
  }
  const auto now = Clock::now();
  std::erase_if(connections_,
                [&](const auto& connection) { return !connection || connection->deadline < now; });
  accept_all();
}

}  // namespace blackstart
