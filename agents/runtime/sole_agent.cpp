// SPDX-License-Identifier: Apache-2.0
#include "agents/runtime/sole_agent.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string_view>
#include <thread>

namespace blackstart {
namespace {

// An abstract name: the kernel keeps one set of them for each network namespace.
constexpr std::string_view kName("\0blackstart-agent", 17);

struct Address {
  sockaddr_un value{};
  socklen_t length = offsetof(sockaddr_un, sun_path) + kName.size();

  Address() {
    value.sun_family = AF_UNIX;
    kName.copy(value.sun_path, kName.size());
  }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&value); }
};

Fd stream_socket() {
  return Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// Anybody may take such a name.
Error taken() {
  Error error{ErrorKind::kRefused, "be the agent of", "this network namespace", EPERM,
              "a process of another user has taken the name @blackstart-agent: ss -xlp shows which"};
  const Fd socket = stream_socket();
  ucred holder{};
  socklen_t length = sizeof holder;
  if (::connect(socket.get(), Address().get(), Address().length) != 0 ||
      ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &holder, &length) != 0 || holder.uid != ::geteuid())
    return error;
  error.code = EADDRINUSE;
  error.hint = "an agent is alive in it, process " + std::to_string(holder.pid) + ": end that one first";
  return error;
}

}  // namespace

Result<Fd> be_sole_agent(std::chrono::milliseconds patience) {
  Fd socket = stream_socket();
  if (!socket.valid()) return fail_errno(errno, "make", "a unix socket");
  const Address address;
  const auto until = std::chrono::steady_clock::now() + patience;
  while (::bind(socket.get(), address.get(), address.length) != 0) {
    if (errno != EADDRINUSE) return fail_errno(errno, "be the agent of", "this network namespace");
    if (std::chrono::steady_clock::now() >= until) return tl::unexpected(taken());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  // Whoever connects learns who has it; nobody is ever answered.
  if (::listen(socket.get(), 16) != 0) return fail_errno(errno, "listen on", "a unix socket");
  return socket;
}

}  // namespace blackstart
