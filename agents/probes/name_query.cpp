// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/name_query.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <sys/epoll.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <mutex>
#include <utility>

#include "agents/contract/units.h"

namespace blackstart {
namespace {

// What c-ares does not read itself: "options timeout:N attempts:N", with the C library's defaults and
// limits, so that a probe fails over between name servers when an application would.
struct Patience {
  int timeout_seconds = 5;
  int attempts = 2;
};

Patience host_patience() {
  Patience patience;
  std::ifstream file("/etc/resolv.conf");
  const auto read = [](std::string_view word, std::string_view key, int most, int& out) {
    int value = 0;
    if (!word.starts_with(key)) return;
    word.remove_prefix(key.size());
    if (std::from_chars(word.begin(), word.end(), value).ec == std::errc{} && value > 0)
      out = std::min(value, most);
  };
  for (std::string line; std::getline(file, line);) {
    size_t at = 0;
    bool options = false;
    while ((at = line.find_first_not_of(" \t", at)) != std::string::npos) {
      const size_t end = std::min(line.find_first_of(" \t", at), line.size());
      const std::string_view word(line.data() + at, end - at);
      at = end;
      if (word == "options") {
        options = true;
      } else if (!options) {
        break;
      } else {
        read(word, "timeout:", 30, patience.timeout_seconds);
        read(word, "attempts:", 5, patience.attempts);
      }
    }
  }
  return patience;
}

Address address_of(const sockaddr& socket_address) {
  Address address;
  if (socket_address.sa_family == AF_INET6) {
    address.v6 = true;
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(socket_address).sin6_addr, 16);
  } else {
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in&>(socket_address).sin_addr, 4);
  }
  return address;
}

}  // namespace

std::optional<NameServer> NameServer::parse(std::string_view text) {
  NameServer server;
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    host = text.substr(0, text.find(':'));
    port = text.substr(host.size());
  }
  if (!port.empty()) {
    if (!port.starts_with(':')) return std::nullopt;
    port.remove_prefix(1);
    const auto [end, error] = std::from_chars(port.begin(), port.end(), server.port);
    if (error != std::errc{} || end != port.end() || server.port == 0) return std::nullopt;
  }
  const auto address = Address::parse(host);
  if (!address) return std::nullopt;
  server.address = *address;
  return server;
}

Result<std::unique_ptr<NameQuery>> NameQuery::make(Loop& loop, const std::optional<NameServer>& server) {
  static std::once_flag library;
  std::call_once(library, [] { ares_library_init(ARES_LIB_INIT_ALL); });

  auto query = std::unique_ptr<NameQuery>(new NameQuery(loop));
  const Patience patience = host_patience();
  ares_options options{};
  options.timeout = patience.timeout_seconds * 1000;
  options.tries = patience.attempts;
  // With several servers a refusal or failure of one is a reason to ask the next, as the C library does;
  // of the one server asked for, it is the answer.
  options.flags = server ? ARES_FLAG_NOCHECKRESP : 0;
  options.sock_state_cb_data = query.get();
  options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    const uint32_t events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
    auto* asker = static_cast<NameQuery*>(self);
    asker->loop_.watch(fd, events, asker);
  };
  int status =
      ares_init_options(&query->channel_, &options,
                        ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status == ARES_SUCCESS && server) {
    ares_addr_port_node node{};
    node.family = server->address.v6 ? AF_INET6 : AF_INET;
    std::memcpy(&node.addr, server->address.bytes.data(), static_cast<size_t>(server->address.size()));
    node.udp_port = node.tcp_port = server->port;
    status = ares_set_servers_ports(query->channel_, &node);
  }
  if (status != ARES_SUCCESS)
    return fail(ErrorKind::kInternal, "prepare a name query", ares_strerror(status));
  return query;
}

NameQuery::~NameQuery() {
  answer_ = nullptr;
  if (channel_) ares_destroy(channel_);
  loop_.set_alarm(this, Loop::kNever);
}

void NameQuery::addresses(const std::string& name, Answer answer) {
  answer_ = std::move(answer);
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(
      channel_, name.c_str(), nullptr, &hints,
      [](void* self, int status, int, ares_addrinfo* found) {
        std::vector<Address> addresses;
        for (auto* node = found ? found->nodes : nullptr; node; node = node->ai_next)
          addresses.push_back(address_of(*node->ai_addr));
        if (found) ares_freeaddrinfo(found);
        if (auto& answer_to = static_cast<NameQuery*>(self)->answer_) answer_to(status, addresses);
      },
      this);
  set_next_alarm();
}

void NameQuery::records(const std::string& name, int type, Answer answer) {
  answer_ = std::move(answer);
  ares_query(
      channel_, name.c_str(), ns_c_in, type,
      [](void* self, int status, int, unsigned char*, int) {
        if (auto& answer_to = static_cast<NameQuery*>(self)->answer_) answer_to(status, {});
      },
      this);
  set_next_alarm();
}

void NameQuery::ready(int fd, uint32_t events) {
  const uint32_t broken = EPOLLERR | EPOLLHUP;
  ares_process_fd(channel_, events & (EPOLLIN | broken) ? fd : ARES_SOCKET_BAD,
                  events & (EPOLLOUT | broken) ? fd : ARES_SOCKET_BAD);
  set_next_alarm();
}

void NameQuery::alarm() {
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  set_next_alarm();
}

void NameQuery::set_next_alarm() {
  timeval left{};
  const bool waiting = ares_timeout(channel_, nullptr, &left) != nullptr;
  loop_.set_alarm(this, waiting ? monotonic_now() + left.tv_sec * 1'000'000'000LL + left.tv_usec * 1'000LL
                                : Loop::kNever);
}

std::string name_failure(int status) {
  switch (status) {
    case ARES_ENODATA:
      return "no such record";
    case ARES_ENOTFOUND:
      return "NXDOMAIN";
    case ARES_ESERVFAIL:
      return "SERVFAIL";
    case ARES_EREFUSED:
      return "REFUSED";
    case ARES_EFORMERR:
      return "FORMERR";
    case ARES_ENOTIMP:
      return "NOTIMP";
    case ARES_ETIMEOUT:
      return "no server answered";
    case ARES_ECONNREFUSED:
      return "no server gave a usable answer";
    default:
      return ares_strerror(status);
  }
}

}  // namespace blackstart
