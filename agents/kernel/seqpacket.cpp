// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/seqpacket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace blackstart {
namespace {

constexpr int kBacklog = 64;

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path)
    return fail_errno(ENAMETOOLONG, "use as a unix socket", path);
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

Fd new_socket() {
  return Fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Result<Fd> connect_packets(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  Fd socket = new_socket();
  if (!socket.valid() || ::connect(socket.get(), generic(*address), sizeof *address) != 0)
    return fail(ErrorKind::kUnreachable, "connect to", path, errno);
  return socket;
}

Result<Fd> listen_packets(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  if (connect_packets(path)) return fail_errno(EADDRINUSE, "listen on", path);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno(errno, "replace", path);
  Fd socket = new_socket();
  const mode_t before = ::umask(0177);
  const bool bound = socket.valid() && ::bind(socket.get(), generic(*address), sizeof *address) == 0;
  const int error = errno;
  ::umask(before);
  if (!bound) return fail_errno(error, "bind", path);
  if (::listen(socket.get(), kBacklog) != 0) return fail_errno(errno, "listen on", path);
  return socket;
}

Fd accept_packets(const Fd& listener) {
  return Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

Result<> send_packet(const Fd& socket, const std::string& text) {
  const size_t size = std::min(text.size(), kLongestPacket);
  if (::send(socket.get(), text.data(), size, MSG_NOSIGNAL) == static_cast<ssize_t>(size)) return {};
  return fail_errno(errno, "send a packet");
}

Result<std::optional<std::string>> receive_packet(const Fd& socket) {
  std::string text(kLongestPacket, '\0');
  const ssize_t size = ::recv(socket.get(), text.data(), text.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (size < 0) return fail_errno(errno, "receive a packet");
  if (size == 0) return fail_errno(ECONNRESET, "receive a packet");
  text.resize(static_cast<size_t>(size));
  return text;
}

}  // namespace blackstart
