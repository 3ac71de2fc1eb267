// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/tcx_link.h"

#include <bpf/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "agents/kernel/kernel_error.h"

namespace blackstart {
namespace {

// From linux/bpf.h of 6.6; older headers and libbpf 1.1 do not name them.
constexpr uint32_t kBefore = 1U << 3;
constexpr uint32_t kMostPrograms = 64;  // the kernel allows no more on one hook
struct Query {                          // BPF_PROG_QUERY
  uint32_t target_ifindex, attach_type, query_flags, attach_flags;
  uint64_t prog_ids;
  uint32_t count, padding;
  uint64_t prog_attach_flags, link_ids, link_attach_flags, revision;
};
static_assert(sizeof(Query) == 64);

bpf_attach_type attach_type(Hook hook) {
  return static_cast<bpf_attach_type>(hook == Hook::kIngress ? 46 : 47);
}

}  // namespace

Result<TcxLink> TcxLink::make(int program_fd, const Interface& interface, Hook hook) {
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = kBefore);
  Fd fd(bpf_link_create(program_fd, interface.index, attach_type(hook), &options));
  if (fd.valid()) return TcxLink(std::move(fd));
  const int code = errno;
  const std::string operation = std::string("attach with TCX to ") + name(hook) + " of";
  if (code == EINVAL)
    return fail(ErrorKind::kMissing, operation, interface.name, code,
                "this kernel has no TCX (Linux 6.6 has); attachment clsact works without");
  return kernel_refused(code, operation, interface.name);
}

bool has_tcx() {
  uint32_t flags = 0, count = 0;
  constexpr int kLoopback = 1;  // its index in every network namespace
  return bpf_prog_query(kLoopback, attach_type(Hook::kIngress), 0, &flags, nullptr, &count) == 0 ||
         errno == ENOENT;
}

std::vector<TcxEntry> tcx_entries(int interface_index, Hook hook) {
  std::array<uint32_t, kMostPrograms> programs{}, links{};
  Query query{};
  query.target_ifindex = static_cast<uint32_t>(interface_index);
  query.attach_type = attach_type(hook);
  query.prog_ids = reinterpret_cast<uint64_t>(programs.data());
  query.count = kMostPrograms;
  query.link_ids = reinterpret_cast<uint64_t>(links.data());
  if (::syscall(__NR_bpf, BPF_PROG_QUERY, &query, sizeof(query)) != 0) return {};
  std::vector<TcxEntry> entries;
  for (uint32_t i = 0; i < std::min(query.count, kMostPrograms); ++i)
    entries.push_back({programs[i], links[i]});
  return entries;
}

std::vector<uint32_t> tcx_programs(int interface_index, Hook hook) {
  std::vector<uint32_t> ids;
  for (const TcxEntry& entry : tcx_entries(interface_index, hook)) ids.push_back(entry.program);
  return ids;
}

}  // namespace blackstart
