// SPDX-License-Identifier: Apache-2.0
#include "injector/lab/attach.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/nsfs.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "agents/kernel/fd.h"
#include "agents/kernel/netns.h"

namespace blackstart::lab {
namespace {

std::optional<Address> address_of(const sockaddr* from) {
  if (!from || (from->sa_family != AF_INET && from->sa_family != AF_INET6)) return std::nullopt;
  Address address;
  address.v6 = from->sa_family == AF_INET6;
  if (address.v6)
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in6*>(from)->sin6_addr, 16);
  else
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in*>(from)->sin_addr, 4);
  return address;
}

struct Inside {
  std::vector<Address> addresses;
  bool of_init = false;  // the machine's own
};

// On a thread of its own, which ends inside.
Result<Inside> look_inside(const Fd& netns, const std::string& path) {
  Result<Inside> found;
  std::thread([&] {
    ifaddrs* all = nullptr;
    if (::setns(netns.get(), CLONE_NEWNET) != 0 || ::getifaddrs(&all) != 0) {
      found = fail_errno(errno, "look into", path);
      return;
    }
    for (const ifaddrs* one = all; one; one = one->ifa_next)
      if (const auto address = address_of(one->ifa_addr)) found->addresses.push_back(*address);
    ::freeifaddrs(all);
    const auto of_init = in_network_of_init();
    if (of_init)
      found->of_init = *of_init;
    else
      found = tl::unexpected(of_init.error());
  }).join();
  return found;
}

Problem problem(Problem::Kind kind, const Host& host, const std::string& message, const std::string& hint) {
  return {kind, host.attach->at, "host " + host.name + ": " + message, hint};
}

Problem problem(const Host& host, const Error& error) {
  return problem(error.kind == ErrorKind::kMissing ? Problem::Kind::kMissing : Problem::Kind::kInvalid, host,
                 Error{error.kind, error.operation, error.object, error.code, ""}.message(), error.hint);
}

Result<std::string> path_of(const Attach& attach, const ContainerPid& container_pid) {
  if (!attach.netns.empty()) return netns_path(attach.netns);
  int pid = attach.pid;
  if (!attach.container.empty()) {
    const auto first = container_pid(attach.container);
    if (!first) return tl::unexpected(first.error());
    pid = *first;
  }
  return "/proc/" + std::to_string(pid) + "/ns/net";
}

std::optional<Problem> wrong_addresses(const Host& host, const std::vector<Address>& there) {
  std::string missing, has;
  for (const Address& address : host.addresses)
    if (std::find(there.begin(), there.end(), address) == there.end())
      missing += (missing.empty() ? "" : ", ") + address.text();
  if (missing.empty()) return std::nullopt;
  for (const Address& address : there) has += (has.empty() ? "" : ", ") + address.text();
  return problem(Problem::Kind::kInvalid, host, "no interface there has " + missing,
                 has.empty() ? "there is no address at all" : "there are " + has);
}

tl::expected<AttachedNetns, Problem> find_one(const Host& host, const ContainerPid& container_pid) {
  const auto path = path_of(*host.attach, container_pid);
  if (!path) return tl::unexpected(problem(host, path.error()));
  const Fd netns(::open(path->c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!netns.valid())
    return tl::unexpected(problem(
        host, Error{ErrorKind::kInvalid, "open network namespace", *path, errno, "is it still running?"}));
  if (::ioctl(netns.get(), NS_GET_NSTYPE) != CLONE_NEWNET)
    return tl::unexpected(problem(Problem::Kind::kInvalid, host, *path + " is no network namespace",
                                  "netns: takes a name of `ip netns list`, or a path like /run/netns/NAME"));
  const auto inside = look_inside(netns, *path);
  if (!inside) return tl::unexpected(problem(host, inside.error()));
  if (inside->of_init)
    return tl::unexpected(problem(Problem::Kind::kRefused, host, *path + " is the machine's own network",
                                  "a drill on it would reach everything that runs here; start the service "
                                  "in a network of its own"));
  if (auto wrong = wrong_addresses(host, inside->addresses)) return tl::unexpected(*wrong);
  struct stat own {};
  if (::fstat(netns.get(), &own) != 0)
    return tl::unexpected(problem(host, Error{ErrorKind::kInternal, "look at", *path, errno, ""}));
  return AttachedNetns{*path, own.st_ino};
}

}  // namespace

tl::expected<Attachments, Problems> find_attached(const Topology& topology,
                                                  const ContainerPid& container_pid) {
  Attachments found;
  Problems problems;
  std::map<uint64_t, std::string> taken;
  for (const auto& [name, host] : topology.hosts) {
    if (!host.attach) continue;
    if (::geteuid() != 0) {
      problems.push_back(problem(Problem::Kind::kMissing, host, "its network cannot be entered",
                                 "network namespaces need root: run it with sudo"));
      break;
    }
    auto one = find_one(host, container_pid);
    if (!one) {
      problems.push_back(one.error());
      continue;
    }
    if (const auto [first, is_new] = taken.emplace(one->inode, name); !is_new)
      problems.push_back(problem(Problem::Kind::kInvalid, host,
                                 "it is the same network namespace as host " + first->second,
                                 "an agent stands for one host; give that one both addresses"));
    found[name] = std::move(*one);
  }
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return found;
}

}  // namespace blackstart::lab
