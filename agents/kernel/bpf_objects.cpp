// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/bpf_objects.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "agents/kernel/bpf_program.h"
#include "agents/kernel/fd.h"
#include "agents/kernel/kernel_error.h"

namespace blackstart {

namespace fs = std::filesystem;

namespace {

// Walks all ids of one kind. An object that goes meanwhile is passed over.
template <typename Info, typename Read>
Result<std::vector<BpfObject>> walk(int (*next_id)(uint32_t, uint32_t*), int (*open)(uint32_t),
                                    const char* what, const Read& read) {
  std::vector<BpfObject> out;
  for (uint32_t id = 0;;) {
    if (next_id(id, &id) != 0) {
      if (errno == ENOENT) return out;
      return kernel_refused(errno, "list", what, errno == EPERM ? "this needs CAP_SYS_ADMIN (or root)" : "");
    }
    const Fd fd(open(id));
    if (!fd.valid() && errno == EPERM)
      return kernel_refused(EPERM, "list", what, "this needs CAP_SYS_ADMIN (or root)");
    Info info{};
    uint32_t size = sizeof(info);
    if (!fd.valid() || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) continue;
    out.push_back(read(info));
    out.back().id = id;
  }
}

std::string word(const char* text) {
  return text ? text : "unknown";
}

}  // namespace

Result<std::vector<BpfObject>> bpf_programs() {
  return walk<bpf_prog_info>(
      bpf_prog_get_next_id, bpf_prog_get_fd_by_id, "BPF programs", [](const bpf_prog_info& info) {
        return BpfObject{.name = info.name,
                         .type = word(libbpf_bpf_prog_type_str(static_cast<bpf_prog_type>(info.type)))};
      });
}

Result<std::vector<BpfObject>> bpf_maps() {
  return walk<bpf_map_info>(
      bpf_map_get_next_id, bpf_map_get_fd_by_id, "BPF maps", [](const bpf_map_info& info) {
        return BpfObject{.name = info.name,
                         .type = word(libbpf_bpf_map_type_str(static_cast<bpf_map_type>(info.type)))};
      });
}

Result<std::vector<BpfObject>> bpf_links() {
  return walk<bpf_link_info>(
      bpf_link_get_next_id, bpf_link_get_fd_by_id, "BPF links", [](const bpf_link_info& info) {
        return BpfObject{.name = program_name(info.prog_id),
                         .type = word(libbpf_bpf_link_type_str(static_cast<bpf_link_type>(info.type))),
                         .program = info.prog_id};
      });
}

HeldBpf held_bpf(pid_t process) {
  HeldBpf held;
  std::error_code ignored;
  const fs::path proc = "/proc/" + std::to_string(process);
  for (const auto& entry : fs::directory_iterator(proc / "fd", ignored)) {
    const std::string target = fs::read_symlink(entry.path(), ignored);
    std::set<uint32_t>* ids = nullptr;
    std::string key;
    if (target == "anon_inode:bpf-prog") ids = &held.programs, key = "prog_id:";
    if (target == "anon_inode:bpf-map") ids = &held.maps, key = "map_id:";
    if (target == "anon_inode:bpf_link") ids = &held.links, key = "link_id:";
    if (!ids) continue;
    std::ifstream file(proc / "fdinfo" / entry.path().filename());
    for (std::string word; file >> word;)
      if (uint32_t id = 0; word == key && file >> id) ids->insert(id);
  }
  return held;
}

}  // namespace blackstart
