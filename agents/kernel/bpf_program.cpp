// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/bpf_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>

#include "agents/kernel/boot_id.h"
#include "agents/kernel/bpf_map.h"
#include "agents/kernel/fd.h"
#include "agents/kernel/kernel_error.h"
#include "agents/kernel/program_maps.h"

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

Result<> identify(bpf_map* map, const std::string& run, const std::vector<bpf_program*>& programs) {
  program_identity identity{};
  run.copy(identity.run, sizeof(identity.run) - 1);
  boot_id().copy(identity.boot_id, sizeof(identity.boot_id) - 1);
  identity.pid = static_cast<uint64_t>(::getpid());
  if (auto ok = fill_map(map, std::vector<uint32_t>{0}, std::vector{identity}); !ok) return ok;
  for (bpf_program* program : programs)
    if (bpf_prog_bind_map(bpf_program__fd(program), bpf_map__fd(map), nullptr) != 0)
      return kernel_refused(errno, std::string("bind map ") + bpf_map__name(map) + " to",
                            bpf_program__name(program));
  return {};
}

}  // namespace blackstart
