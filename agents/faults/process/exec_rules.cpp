// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/exec_rules.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>

#include "agents/faults/process/program.h"
#include "agents/kernel/cgroup.h"

namespace blackstart {
namespace {

template <typename Key>
struct ByBytes {
  bool operator()(const Key& a, const Key& b) const { return std::memcmp(&a, &b, sizeof(Key)) < 0; }
};

exec_inode to_kernel(const FileId& file) {
  return {file.inode, file.dev, 0};
}

// What is known of one property, until the tables are made.
template <typename Key>
class Properties {
 public:
  void give(const Key& key, uint64_t bit, exec_asked what) { all_[key].fits[what] |= bit; }

  [[nodiscard]] ExecTables::Table<Key> table() const {
    ExecTables::Table<Key> out;
    for (const auto& [key, fits] : all_) {
      out.keys.push_back(key);
      out.values.push_back(fits);
    }
    return out;
  }

 private:
  std::map<Key, exec_fits, ByBytes<Key>> all_;
};

// False: it does not fit.
template <size_t N>
bool put(const std::string& text, char (&into)[N]) {
  if (text.size() >= N) return false;
  text.copy(into, N - 1);
  return true;
}

class Compiler {
 public:
  Result<> add(const HoldDownRule& rule, bool never) {
    const auto bit = bit_for(rule, never);
    if (!bit) return tl::unexpected(bit.error());
    if (!rule.exe.empty()) give_program(rule.exe, *bit);
    if (!rule.comm.empty()) {
      exec_comm key{};
      if (!put(rule.comm, key.text)) return invalid(rule, "a name of a process has at most 15 characters");
      comms_.give(key, *bit, EXEC_COMM);
    }
    for (const std::string& line : rule.seen) give_line(line, rule, *bit);
    if (rule.uid) users_.give(*rule.uid, *bit, EXEC_USER);
    if (rule.cgroup) {
      const auto cgroup = Cgroup::at(*rule.cgroup);
      if (!cgroup) return tl::unexpected(cgroup.error());
      const auto file = file_id(cgroup->path());
      if (!file) return fail_errno(ENOENT, "hold down", cgroup->path());
      cgroups_.give(file->inode, *bit, EXEC_CGROUP);
    }
    return {};
  }

  Result<ExecTables> tables(const HoldDownOptions& options) {
    ExecTables out;
    out.config = config_;
    out.counted = counted_;
    out.inodes = inodes_.table();
    out.paths = paths_.table();
    out.names = names_.table();
    out.comms = comms_.table();
    out.lines = lines_.table();
    out.users = users_.table();
    out.cgroups = cgroups_.table();
    for (const FileId& file : interpreters_) out.interpreters.push_back(to_kernel(file));
    exec_config& config = out.config;
    config.programs = asked_for_program_;
    config.comms = !out.comms.keys.empty();
    config.lines = !out.lines.keys.empty();
    config.users = !out.users.keys.empty();
    config.cgroups = !out.cgroups.keys.empty();
    if (const auto own = file_id("/proc/self/exe")) config.agent = to_kernel(*own);
    put("/proc/" + std::to_string(::getpid()) + "/exe", config.test_path);
    if (options.scope.empty()) return out;
    const auto scope = Cgroup::at(options.scope);
    if (!scope) return tl::unexpected(scope.error());
    const auto file = file_id(scope->path());
    if (!file) return fail_errno(ENOENT, "hold down in", scope->path());
    config.scope = file->inode;
    return out;
  }

 private:
  static tl::unexpected<Error> invalid(const HoldDownRule& rule, const std::string& hint) {
    return fail(ErrorKind::kInvalid, "hold down", rule.service.empty() ? rule.fault : rule.service, 0, hint);
  }

  // The bit of a rule. Rules that ask for one and the same thing share one: each property gives it.
  Result<uint64_t> bit_for(const HoldDownRule& rule, bool never) {
    std::vector<exec_asked> asked;
    if (!rule.exe.empty()) asked.push_back(EXEC_PROGRAM);
    if (!rule.comm.empty()) asked.push_back(EXEC_COMM);
    if (rule.command_line) asked.push_back(EXEC_LINE);
    if (rule.uid) asked.push_back(EXEC_USER);
    if (rule.cgroup) asked.push_back(EXEC_CGROUP);
    if (asked.empty() != rule.everything)
      return invalid(
          rule, rule.everything ? "everything is all that can be asked for" : "nothing says which processes");
    const Sort sort{never,         rule.fault,  rule.service,
                    rule.start_ns, rule.end_ns, asked.empty() ? EXEC_ASKED : asked[0]};
    if (asked.size() <= 1)
      if (const auto known = shared_.find(sort); known != shared_.end()) return known->second;
    if (counted_.size() == kMostHoldDownBits)
      return invalid(rule, "one host can hold down by " + std::to_string(kMostHoldDownBits) +
                               " combinations at a time; spread the faults over more runs");
    const uint64_t bit = uint64_t{1} << counted_.size();
    config_.rule[counted_.size()] = {static_cast<uint64_t>(rule.start_ns),
                                     static_cast<uint64_t>(rule.end_ns)};
    counted_.emplace_back(rule.fault, rule.service);
    for (const exec_asked what : asked) config_.asks[what] |= bit;
    config_.rules |= bit;
    if (never) config_.never |= bit;
    if (asked.size() <= 1) shared_[sort] = bit;
    return bit;
  }

  void give_program(const std::string& exe, uint64_t bit) {
    asked_for_program_ = true;
    const Program program = Program::find(exe);
    if (program.file) inodes_.give(to_kernel(*program.file), bit, EXEC_PROGRAM);
    for (const std::filesystem::path& path : program.names) {
      exec_path whole{};
      if (put(path, whole.text)) paths_.give(whole, bit, EXEC_PROGRAM);
      const auto folder = file_id(path.parent_path());
      exec_name short_name{};
      if (folder && put(path.filename(), short_name.text)) {
        short_name.folder = to_kernel(*folder);
        names_.give(short_name, bit, EXEC_PROGRAM);
      }
    }
    interpreters_.insert(program.interpreters.begin(), program.interpreters.end());
  }

  void give_line(const std::string& line, const HoldDownRule& rule, uint64_t bit) {
    exec_line key{};
    key.length = line.size();
    line.copy(key.start, sizeof(key.start));
    if (rule.command_line) lines_.give(key, bit, EXEC_LINE);
    if (!rule.comm.empty()) lines_.give(key, bit, EXEC_COMM);
  }

  using Sort = std::tuple<bool, std::string, std::string, int64_t, int64_t, exec_asked>;
  exec_config config_{};
  std::map<Sort, uint64_t> shared_;
  std::vector<std::pair<std::string, std::string>> counted_;
  bool asked_for_program_ = false;
  Properties<exec_inode> inodes_;
  Properties<exec_path> paths_;
  Properties<exec_name> names_;
  Properties<exec_comm> comms_;
  Properties<exec_line> lines_;
  Properties<uint32_t> users_;
  Properties<uint64_t> cgroups_;
  std::set<FileId> interpreters_;
};

}  // namespace

Result<ExecTables> compile(const std::vector<HoldDownRule>& rules, const HoldDownOptions& options) {
  Compiler compiler;
  for (const HoldDownRule& rule : rules)
    if (auto ok = compiler.add(rule, false); !ok) return tl::unexpected(ok.error());
  for (const HoldDownRule& rule : options.never)
    if (auto ok = compiler.add(rule, true); !ok) return tl::unexpected(ok.error());
  return compiler.tables(options);
}

}  // namespace blackstart
