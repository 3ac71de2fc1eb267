// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/bpf_program.h"

#include <bpf/bpf.h>

#include "agents/kernel/fd.h"
#include "agents/kernel/kernel_error.h"

namespace blackstart {
namespace {

int read_info(int fd, bpf_prog_info& info) {
  uint32_t size = sizeof(info);
  return bpf_obj_get_info_by_fd(fd, &info, &size);
}

}  // namespace

Result<uint32_t> program_id(int program_fd) {
  bpf_prog_info info{};
  if (const int code = read_info(program_fd, info); code != 0)
    return kernel_refused(-code, "read", "BPF program information");
  return info.id;
}

std::string program_name(uint32_t id) {
  const Fd fd(bpf_prog_get_fd_by_id(id));
  bpf_prog_info info{};
  if (!fd.valid() || read_info(fd.get(), info) != 0) return {};
  return info.name;
}

}  // namespace blackstart
