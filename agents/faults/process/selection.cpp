// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/selection.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "agents/kernel/cgroup.h"
#include "agents/kernel/kernel_error.h"
#include "agents/kernel/listeners.h"
#include "agents/kernel/pidfd.h"
#include "agents/kernel/process_state.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;

// Of a command line, what an expression is searched in.
constexpr size_t kLongestLine = 4096;

fs::path proc(pid_t pid, const char* name) {
  return fs::path("/proc") / std::to_string(pid) / name;
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kLongestLine, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

uid_t user_of(pid_t pid) {
  std::ifstream file(proc(pid, "status"));
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("Uid:")) continue;
    std::istringstream fields(line.substr(4));
    uid_t real = 0, effective = 0;
    fields >> real >> effective;
    return effective;
  }
  return 0;
}

std::set<pid_t> own_ancestors() {
  std::set<pid_t> out;
  for (pid_t pid = ::getpid(); pid > 0 && out.insert(pid).second;) {
    const auto state = process_state(pid);
    pid = state ? state->parent : 0;
  }
  return out;
}

std::string why_not(const Process& process, bool kernel, const std::set<pid_t>& ancestors,
                    const std::optional<FileId>& own) {
  if (process.pid == 1) return "process 1";
  if (kernel) return "a thread of the kernel";
  if (process.pid == ::getpid() || (own && process.program == own)) return "an agent";
  if (ancestors.contains(process.pid)) return "what the agent was started by";
  return "";
}

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> out;
  std::istringstream text(line);
  for (std::string word; std::getline(text, word, '\0');) out.push_back(word);
  return out;
}

std::string with_spaces(std::string line) {
  while (!line.empty() && line.back() == '\0') line.pop_back();
  std::replace(line.begin(), line.end(), '\0', ' ');
  return line;
}

Result<uid_t> read_user(const std::string& text) {
  uid_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer;
  ::getpwnam_r(text.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (!found) return fail(ErrorKind::kInvalid, "find", "user " + text, 0, "this host has none of that name");
  return entry.pw_uid;
}

// Walks the cgroups in scope until `found` is true of one, and names that.
std::optional<std::string> find_cgroup(const Cgroup& in, const fs::path& root,
                                       const std::function<bool(const Cgroup&)>& found) {
  for (const Cgroup& child : in.children()) {
    if (found(child)) return child.path().lexically_relative(root).string();
    if (auto below = find_cgroup(child, root, found)) return below;
  }
  return std::nullopt;
}

// The cgroup a service has to itself among those that one of its processes is in: below the scope of a
// lab it is the service's, whatever that makes below it.
std::string own_cgroup_of(const std::string& cgroup, const ProcessScope& scope) {
  if (!scope.lab()) return cgroup;
  const size_t end = cgroup.find('/', scope.cgroup.size() + 1);
  return cgroup.substr(0, end);
}

}  // namespace

ProcessScope ProcessScope::of_agent(bool in_lab) {
  return in_lab ? ProcessScope{fs::path(own_cgroup()).parent_path() / "services"} : ProcessScope{};
}

bool ProcessScope::holds(const std::string& other) const {
  return cgroup.empty() || other == cgroup || other.starts_with(cgroup + "/");
}

std::string Process::in_its_folder(const std::string& path) const {
  return path.starts_with('/') ? path : (proc(pid, "cwd") / path).string();
}

std::vector<Process> list_processes(const ProcessScope& scope) {
  std::vector<pid_t> pids;
  if (!scope.lab())
    pids = all_processes();
  else if (const auto cgroup = Cgroup::at(scope.cgroup))
    pids = cgroup->processes();
  const auto ancestors = own_ancestors();
  const auto own = file_id("/proc/self/exe");
  std::vector<Process> out;
  for (const pid_t pid : pids) {
    const auto state = process_state(pid);
    if (!state || state->state == 'Z' || state->state == 'X') continue;
    Process process{.pid = pid,
                    .parent = state->parent,
                    .session = state->session,
                    .started = state->started,
                    .state = state->state,
                    .name = state->name};
    if (!state->kernel) {
      std::error_code hidden;
      process.line = read_text(proc(pid, "cmdline"));
      process.exe = fs::read_symlink(proc(pid, "exe"), hidden);
      process.program = file_id(proc(pid, "exe"));
      process.cgroup = cgroup_of_process(pid);
      process.user = user_of(pid);
    }
    process.no_fault = why_not(process, state->kernel, ancestors, own);
    out.push_back(std::move(process));
  }
  std::sort(out.begin(), out.end(), [](const Process& a, const Process& b) {
    return std::tie(a.started, a.pid) < std::tie(b.started, b.pid);
  });
  return out;
}

Result<Selector> Selector::make(const contract::ProcessTarget& target, const ProcessScope& scope) {
  Selector out(target, scope);
  if (auto ok = out.compile(); !ok) return tl::unexpected(ok.error());
  return out;
}

Result<> Selector::compile() {
  const contract::ProcessMatch& match = target_.match();
  const auto refuse = [&](ErrorKind kind, const std::string& hint) {
    return fail(kind, "find the processes of", target_.service(), 0, hint);
  };
  if (!match.exe().empty()) {
    if (!match.exe().starts_with('/')) return refuse(ErrorKind::kInvalid, "exe is a path from the root");
    program_ = Program::find(match.exe());
  }
  if (!match.cmdline().empty()) {
    try {
      // Without going back and forth, and in one pass from the first character on: no expression makes it
      // take for ever. It has to be one by itself too.
      const auto how = std::regex::ECMAScript | std::regex::nosubs | std::regex_constants::__polynomial;
      const std::regex alone(match.cmdline(), how);
      line_.emplace("[\\s\\S]*(?:" + match.cmdline() + ")", how);
    } catch (const std::regex_error& error) {
      return refuse(ErrorKind::kInvalid, "its cmdline is no expression: " + std::string(error.what()));
    }
  }
  if (!match.user().empty()) {
    const auto user = read_user(match.user());
    if (!user) return tl::unexpected(user.error());
    user_ = *user;
  }
  if (!match.cgroup().empty() && !scope_.holds(match.cgroup()))
    return refuse(ErrorKind::kRefused, "cgroup " + match.cgroup() + " is not in " + scope_.cgroup);
  if (names_processes() || !match.cgroup().empty() || match.port() != 0 || !match.unit().empty()) return {};
  if (!scope_.lab())
    return refuse(ErrorKind::kRefused,
                  "nothing says which they are; in a lab they would be those in its cgroup");
  if (target_.service().empty()) return refuse(ErrorKind::kRefused, "it names no service");
  return {};
}

bool Selector::names_processes() const {
  const contract::ProcessMatch& match = target_.match();
  return !match.exe().empty() || !match.comm().empty() || !match.cmdline().empty() || !match.user().empty();
}

std::optional<std::vector<std::string>> Selector::places() const {
  const contract::ProcessMatch& match = target_.match();
  const auto root = Cgroup::at(""), start = Cgroup::at(scope_.cgroup);
  const auto found = [&](const std::function<bool(const Cgroup&)>& fits) {
    return root && start ? find_cgroup(*start, root->path(), fits) : std::nullopt;
  };
  std::vector<std::string> out;
  if (!match.cgroup().empty()) out.push_back(match.cgroup());
  if (!match.unit().empty())
    if (const auto unit = found([&](const Cgroup& each) { return each.path().filename() == match.unit(); }))
      out.push_back(*unit);
  if (match.port() != 0)
    if (const auto all = listeners())
      for (const Listener& listener : *all) {
        if (listener.port != match.port() || listener.cgroup == 0) continue;
        if (const auto name = found([&](const Cgroup& each) { return each.id() == listener.cgroup; }))
          out.push_back(own_cgroup_of(*name, scope_));
      }
  const bool named = !match.cgroup().empty() || !match.unit().empty() || match.port() != 0;
  if (!named && names_processes()) return std::nullopt;
  if (!named) out.push_back(scope_.cgroup + "/" + target_.service());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool Selector::runs_program(const Process& process) const {
  if (program_->file && process.program == program_->file) return true;
  constexpr std::string_view kDeleted = " (deleted)";
  std::string exe = process.exe;
  if (exe.ends_with(kDeleted)) exe.resize(exe.size() - kDeleted.size());
  if (program_->names.contains(exe)) return true;
  if (!process.program || !program_->interpreters.contains(*process.program)) return false;
  const auto words = words_of(process.line);
  for (size_t i = 1; i < words.size() && i <= kScriptArguments; ++i) {
    if (program_->names.contains(words[i])) return true;
    if (program_->file && file_id(process.in_its_folder(words[i])) == program_->file) return true;
  }
  return false;
}

bool Selector::finds(const std::string& line) const {
  return std::regex_search(with_spaces(line), *line_, std::regex_constants::match_continuous);
}

bool Selector::fits(const Process& process, const std::optional<std::vector<std::string>>& in) const {
  const contract::ProcessMatch& match = target_.match();
  if (in && std::none_of(in->begin(), in->end(),
                         [&](const std::string& place) { return ProcessScope{place}.holds(process.cgroup); }))
    return false;
  if (!names_processes()) return true;
  if (!match.comm().empty() && match.comm() != process.name) return false;
  if (user_ && *user_ != process.user) return false;
  if (line_ && (process.line.empty() || !finds(process.line))) return false;
  return !program_ || runs_program(process);
}

Result<> Selector::require_touchable(const std::vector<Process>& all) const {
  const auto in = places();
  for (const Process& process : all)
    if (!process.no_fault.empty() && fits(process, in))
      return fail(ErrorKind::kRefused, "touch", target_.service(), 0,
                  "process " + std::to_string(process.pid) + " (" + process.name + ") is of it, and is " +
                      process.no_fault);
  return {};
}

Selection Selector::select(const std::vector<Process>& all, const Spared& spared) const {
  const auto in = places();
  const auto may = [&](const Process& process) {
    return process.no_fault.empty() && !spared.contains(process.pid);
  };
  std::set<pid_t> chosen;
  for (const Process& process : all)
    if (may(process) && fits(process, in)) chosen.insert(process.pid);

  Selection out;
  if (!names_processes()) {
    for (const std::string& place : in.value_or(std::vector<std::string>{})) {
      const bool all_of_it = std::all_of(all.begin(), all.end(), [&](const Process& process) {
        return may(process) || !ProcessScope{place}.holds(process.cgroup);
      });
      if (all_of_it && !place.empty()) out.cgroups.push_back(place);
    }
  }
  for (bool grew = names_processes(); grew;) {
    grew = false;
    std::map<std::string, uint64_t> eldest, stranger;  // by cgroup: when the first of either started
    for (const Process& process : all) {
      auto& first = chosen.contains(process.pid) ? eldest : stranger;
      first.emplace(process.cgroup, process.started);  // the eldest come first
    }
    for (const Process& process : all) {
      if (!may(process) || chosen.contains(process.pid)) continue;
      const auto theirs = eldest.find(process.cgroup);
      const bool alone = theirs != eldest.end() && process.cgroup != scope_.cgroup &&
                         !process.cgroup.empty() && theirs->second < stranger[process.cgroup];
      if (chosen.contains(process.parent) || chosen.contains(process.session) || alone)
        grew = chosen.insert(process.pid).second;
    }
  }
  for (const Process& process : all)
    if (chosen.contains(process.pid)) out.processes.push_back(process);
  return out;
}

std::vector<HoldDownRule> Selector::exec_rules(const std::vector<Process>& all) const {
  const contract::ProcessMatch& match = target_.match();
  const auto in = places();
  HoldDownRule rule;
  rule.service = target_.service();
  rule.exe = match.exe();
  rule.comm = match.comm();
  rule.command_line = line_.has_value();
  if (user_) rule.uid = *user_;
  if (rule.command_line || !rule.comm.empty())
    for (const Process& process : all)
      if (process.no_fault.empty() && !process.line.empty() && fits(process, in))
        rule.seen.push_back(process.line);
  if (!in) return {rule};
  std::vector<HoldDownRule> out;
  for (const std::string& place : *in) {
    const auto cgroup = Cgroup::at(place);
    if (place.empty() || !cgroup || !cgroup->exists()) continue;
    out.push_back(rule);
    out.back().cgroup = place;
  }
  return out;
}

Result<bool> signal_process(const Process& process, int signal) {
  const Fd fd = open_pidfd(process.pid);
  if (!fd.valid() && errno == ESRCH) return false;
  if (!fd.valid()) return kernel_refused(errno, "open a pidfd of", std::to_string(process.pid));
  const auto now = process_state(process.pid);
  if (!now || now->started != process.started) return false;
  if (signal_pidfd(fd.get(), signal) == 0) return true;
  if (errno == ESRCH) return false;
  return kernel_refused(errno, "signal", std::to_string(process.pid) + " (" + process.name + ")",
                        "the agent needs CAP_KILL");
}

}  // namespace blackstart
