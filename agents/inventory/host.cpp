// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agents/inventory/collector.h"
#include "agents/kernel/bpf_objects.h"
#include "agents/kernel/cgroup.h"
#include "agents/kernel/named_netns.h"
#include "agents/kernel/process_state.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRuntimeUnits = "/run/systemd/system";
constexpr const char* kBpfPins = "/sys/fs/bpf";

// A lab is a cgroup of its own below ours, and is taken away as a whole.
std::string removal_of(const fs::path& path, const std::string& name, bool frozen) {
  const fs::path relative(name);
  if (relative.parent_path() == kOurName) return "blackstart lab down " + relative.filename().string();
  if (frozen) return "sh -c 'echo 0 > " + (path / "cgroup.freeze").string() + "'";
  return "rmdir " + path.string();
}

// One that bears no name is ours when the journal says that we froze it, or stopped it.
bool journalled_cgroup(const Scope& scope, const std::string& name) {
  return std::any_of(scope.steps.begin(), scope.steps.end(),
                     [&](const contract::Step& step) { return step.frozen_cgroup().cgroup() == name; });
}

bool journalled_process(const Scope& scope, const ProcessState& process) {
  return std::any_of(scope.steps.begin(), scope.steps.end(), [&](const contract::Step& step) {
    return step.stopped_process().pid() == process.pid && step.stopped_process().started() == process.started;
  });
}

// Cgroups come and go by themselves; those that are ours or frozen do not.
void list_cgroup(const Collector& collector, const fs::path& root, const Cgroup& cgroup,
                 const Collector::Add& add) {
  for (const Cgroup& child : cgroup.children()) {
    const std::string name = child.path().lexically_relative(root);
    const fs::path relative(name);
    if (relative == kOurName) {  // of every lab
      list_cgroup(collector, root, child, add);
      continue;
    }
    const bool ours = bears_our_name(relative.filename()) || relative.parent_path() == kOurName;
    const bool frozen = child.frozen();
    const auto members = ours ? child.processes() : std::vector<pid_t>{};
    const bool own = std::find(members.begin(), members.end(), ::getpid()) != members.end();
    if ((ours && !own) || frozen)
      add({.object = name,
           .detail = frozen ? "frozen" : "",
           .ours = ours || (frozen && journalled_cgroup(collector.scope(), name)),
           .remove = removal_of(child.path(), name, frozen),
           .holder = collector.scope().holders && !members.empty() && !frozen ? process_text(members.front())
                                                                              : ""});
    if (!ours) list_cgroup(collector, root, child, add);
  }
}

Result<> list_cgroups(const Collector& collector, const Collector::Add& add) {
  const auto root = cgroup2_root();
  if (!root) return {};  // no hierarchy, so no cgroups
  const auto start = Cgroup::at(*collector.scope().cgroup);
  if (!start) return tl::unexpected(start.error());
  list_cgroup(collector, *root, *start, add);
  return {};
}

Result<> list_stopped(const Collector& collector, const Collector::Add& add) {
  std::vector<pid_t> pids;
  if (collector.scope().cgroup->empty())
    pids = all_processes();
  else if (const auto cgroup = Cgroup::at(*collector.scope().cgroup))
    pids = cgroup->processes();
  for (const pid_t pid : pids) {
    const auto process = process_state(pid);
    if (process && process->state == 'T')
      add({.object = "pid " + std::to_string(pid),
           .detail = process->name,
           .ours = journalled_process(collector.scope(), *process),
           .remove = "kill -CONT " + std::to_string(pid)});
  }
  return {};
}

Result<> add_objects(const Result<std::vector<BpfObject>>& objects, const Collector::Add& add,
                     const std::function<std::string(uint32_t)>& holder, const std::string& remove) {
  if (!objects) return tl::unexpected(objects.error());
  for (const BpfObject& object : *objects)
    add({.object = "id " + std::to_string(object.id),
         .detail = object.type + " " + object.name,
         .ours = bears_our_name(object.name),
         .remove = remove.empty() ? "" : remove + std::to_string(object.id),
         .holder = holder(object.id)});
  return {};
}

Result<> add_held(const std::set<uint32_t>& ids, const Collector::Add& add) {
  const std::string own = std::to_string(::getpid());
  for (const uint32_t id : ids)
    add({.object = "id " + std::to_string(id),
         .detail = "held by process " + own,
         .ours = true,
         .remove = "kill " + own});
  return {};
}

// What is in a folder; nothing if there is none.
Result<std::vector<fs::directory_entry>> entries_of(const fs::path& folder) {
  std::vector<fs::directory_entry> out;
  std::error_code error;
  for (fs::directory_iterator each(folder, error), end; !error && each != end; each.increment(error))
    out.push_back(*each);
  if (error && error != std::errc::no_such_file_or_directory)
    return fail_errno(error.value(), "list", folder);
  return out;
}

Result<> list_masks(const Collector::Add& add) {
  const auto entries = entries_of(kRuntimeUnits);
  if (!entries) return tl::unexpected(entries.error());
  for (const auto& entry : *entries) {
    std::error_code ignored;
    if (!entry.is_symlink(ignored) || fs::read_symlink(entry.path(), ignored) != "/dev/null") continue;
    const std::string unit = entry.path().filename();
    add({.object = unit, .remove = "systemctl unmask --runtime " + unit});
  }
  return {};
}

Result<> list_drop_ins(const Collector::Add& add) {
  const auto entries = entries_of(kRuntimeUnits);
  if (!entries) return tl::unexpected(entries.error());
  for (const auto& entry : *entries) {
    std::error_code ignored;
    if (!entry.is_directory(ignored) || entry.path().extension() != ".d") continue;
    const auto files = entries_of(entry.path());
    if (!files) return tl::unexpected(files.error());
    for (const auto& file : *files)
      add({.object = file.path(),
           .ours = bears_our_name(file.path().filename()),
           .remove = "rm " + file.path().string()});
  }
  return {};
}

// "36 35 98:0 /root /mnt rw,noatime shared:1 - ext3 /dev/root rw"
Result<> list_mounts(const Collector::Add& add) {
  std::ifstream file("/proc/self/mountinfo");
  if (!file) return fail_errno(errno, "open", "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, where, word, type, source;
    fields >> id >> parent >> device >> root >> where;
    while (fields >> word && word != "-") continue;
    fields >> type >> source;
    if (type == "nsfs") continue;  // named network namespaces have a kind of their own
    add({.object = where,
         .detail = type + " " + source + " " + root,
         .ours = where.rfind("/run/blackstart/", 0) == 0,
         .remove = "umount " + where});
  }
  return {};
}

Result<> list_namespaces(const Collector::Add& add) {
  for (const std::string& name : named_netns())
    add({.object = name, .ours = bears_our_name(name), .remove = "ip netns del " + name});
  return {};
}

// Files below a folder, ours when their name, or that of a folder above them, is.
Result<> list_files(const fs::path& folder, bool only_ours, const Collector::Add& add) {
  std::error_code error;
  for (fs::recursive_directory_iterator each(folder, fs::directory_options::skip_permission_denied, error),
       end;
       !error && each != end; each.increment(error)) {
    std::error_code ignored;
    if (each->is_directory(ignored)) continue;
    const fs::path relative = each->path().lexically_relative(folder);
    const bool ours = std::any_of(relative.begin(), relative.end(),
                                  [](const fs::path& part) { return bears_our_name(part); });
    if (ours || !only_ours)
      add({.object = each->path(), .ours = ours, .remove = "rm " + each->path().string()});
  }
  return {};
}

}  // namespace

void collect_cgroups(Collector& collector) {
  collector.list("cgroup", [&](const Collector::Add& add) { return list_cgroups(collector, add); });
  collector.list("stopped-process", [&](const Collector::Add& add) { return list_stopped(collector, add); });
}

void collect_held_bpf(Collector& collector) {
  const HeldBpf held = held_bpf(::getpid());
  collector.list("bpf-program", [&](const Collector::Add& add) { return add_held(held.programs, add); });
  collector.list("bpf-map", [&](const Collector::Add& add) { return add_held(held.maps, add); });
  collector.list("bpf-link", [&](const Collector::Add& add) { return add_held(held.links, add); });
}

void collect_bpf_by_id(Collector& collector) {
  const auto programs = [&](uint32_t id) { return collector.program_holder(id); };
  const auto maps = [&](uint32_t id) { return collector.map_holder(id); };
  const auto links = [&](uint32_t id) { return collector.link_holder(id); };
  collector.list("bpf-program",
                 [&](const Collector::Add& add) { return add_objects(bpf_programs(), add, programs, ""); });
  collector.list("bpf-map",
                 [&](const Collector::Add& add) { return add_objects(bpf_maps(), add, maps, ""); });
  collector.list("bpf-link", [&](const Collector::Add& add) {
    return add_objects(bpf_links(), add, links, "bpftool link detach id ");
  });
}

void collect_machine(Collector& collector) {
  using Add = Collector::Add;
  collector.list("masked-unit", list_masks);
  collector.list("unit-drop-in", list_drop_ins);
  collector.list("mount", list_mounts);
  collector.list("netns", list_namespaces);
  collector.list("netns-file", [](const Add& add) { return list_files("/etc/netns", false, add); });
  collector.list("bpf-pin", [](const Add& add) { return list_files(kBpfPins, true, add); });
}

}  // namespace blackstart
