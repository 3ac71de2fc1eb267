// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/tcx_link.h"

#include <bpf/bpf.h>

#include "agents/kernel/kernel_error.h"

namespace blackstart {
namespace {

// From linux/bpf.h of 6.6; older headers and libbpf 1.1 do not name them.
constexpr uint32_t kBefore = 1U << 3;
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

std::vector<uint32_t> tcx_programs(int interface_index, Hook hook) {
  std::vector<uint32_t> ids(64);
  auto count = static_cast<uint32_t>(ids.size());
  uint32_t flags = 0;
  if (bpf_prog_query(interface_index, attach_type(hook), 0, &flags, ids.data(), &count) != 0) return {};
  ids.resize(count);
  return ids;
}

}  // namespace blackstart
