// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/process/units.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "agents/kernel/fd.h"
#include "agents/kernel/systemd.h"

namespace blackstart {
namespace {

const std::string kFolder = "/run/systemd/system/";
constexpr const char* kFile = "/50-blackstart.conf";
// The root of the file system is always there.
constexpr std::string_view kNever =
    "# Made by blackstart-agent: held down by a drill, and taken away at its end.\n"
    "[Unit]\n"
    "ConditionPathExists=!/\n";

std::string folder_of(const std::string& unit) {
  return kFolder + unit + ".d";
}

std::string drop_in_of(const std::string& unit) {
  return folder_of(unit) + kFile;
}

Result<> write_drop_in(const std::string& unit) {
  const std::string folder = folder_of(unit), file = drop_in_of(unit);
  for (const std::string& each : {kFolder, folder})
    if (::mkdir(each.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno(errno, "make", each);
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd.valid() || ::write(fd.get(), kNever.data(), kNever.size()) != static_cast<ssize_t>(kNever.size()))
    return fail_errno(errno, "write", file);
  (void)::fchmod(fd.get(), 0644);  // whatever the umask
  return {};
}

// True: it was there. Only a file of our name, where ours would be.
Result<bool> remove_drop_in(const std::string& unit) {
  const bool there = ::unlink(drop_in_of(unit).c_str()) == 0;
  if (!there && errno != ENOENT && errno != ENOTDIR) return fail_errno(errno, "remove", drop_in_of(unit));
  ::rmdir(folder_of(unit).c_str());  // unless there is more in it
  return there;
}

Result<> remove_all(const std::vector<std::string>& units) {
  Result<> first;
  bool any = false;
  for (const std::string& unit : units) {
    const auto removed = remove_drop_in(unit);
    if (!removed) keep_first(first, tl::unexpected(removed.error()));
    any = any || (removed && *removed);
  }
  if (!any) return first;
  auto systemd = Systemd::connect();
  keep_first(first, systemd ? systemd->reload() : tl::unexpected(systemd.error()));
  return first;
}

// A name out of a journal or an order becomes part of a path.
Result<> check_name(const std::string& unit) {
  const bool bad = unit.empty() || unit.size() > 255 || unit.front() == '.' ||
                   unit.find('/') != std::string::npos || unit.find('.') == std::string::npos ||
                   unit.find('\0') != std::string::npos;
  if (bad) return fail(ErrorKind::kInvalid, "find the unit", unit, 0, "a unit's name is like web.service");
  return {};
}

}  // namespace

Result<UnitHold> UnitHold::find(const std::string& unit, StepLog* steps) {
  if (auto ok = check_name(unit); !ok) return tl::unexpected(ok.error());
  auto systemd = Systemd::connect();
  if (!systemd) return tl::unexpected(systemd.error());
  const auto found = systemd->unit(unit);
  if (!found) return tl::unexpected(found.error());
  if (found->load_state != "loaded")
    return fail(ErrorKind::kRefused, "hold", unit, 0,
                "it is " + found->load_state + ", so nobody could start it again");
  if (found->file_state == "transient")
    return fail(ErrorKind::kRefused, "hold", unit, 0, "it is transient, and would be gone for good");
  UnitHold out;
  out.steps_ = steps;
  out.unit_ = found->name;
  out.cgroup_ = found->cgroup;
  out.ran_ = found->active();
  out.units_ = {found->name};
  for (const std::string& trigger : found->triggered_by) {
    const auto state = systemd->unit(trigger);
    if (!state || state->load_state != "loaded") continue;  // it starts nothing
    out.units_.push_back(state->name);
    // A socket refuses to start once its service runs, so what triggers comes before what is triggered.
    if (state->active()) out.active_.push_back(state->name);
  }
  if (out.ran_) out.active_.push_back(out.unit_);
  return out;
}

Result<> UnitHold::hold() {
  const auto undone = [&](const Error& error) -> Result<> {
    (void)release();
    return tl::unexpected(error);
  };
  for (const std::string& unit : units_) {
    contract::Step step;
    step.mutable_held_unit()->set_unit(unit);
    step.mutable_held_unit()->set_drop_in(drop_in_of(unit));
    Held held{step.held_unit(), 0};
    if (steps_) {
      const auto id = steps_->record(step);
      if (!id) return undone(id.error());
      held.step = *id;
    }
    held_.push_back(std::move(held));
    if (auto ok = write_drop_in(unit); !ok) return undone(ok.error());
  }
  auto systemd = Systemd::connect();
  if (!systemd) return undone(systemd.error());
  if (auto ok = systemd->reload(); !ok) return undone(ok.error());
  return {};
}

Result<> UnitHold::kill(int signal) {
  auto systemd = Systemd::connect();
  if (!systemd) return tl::unexpected(systemd.error());
  Result<> first = systemd->kill(unit_, signal);
  for (const std::string& unit : units_)
    if (unit != unit_) keep_first(first, systemd->stop(unit));
  return first;
}

Result<> UnitHold::release() {
  if (held_.empty()) return {};
  std::vector<std::string> units;
  for (const Held& held : held_) units.push_back(held.what.unit());
  if (auto ok = remove_all(units); !ok) return ok;
  if (steps_)
    for (const Held& held : held_) (void)steps_->taken_back(held.step);
  held_.clear();
  return {};
}

Result<> start_units(const std::vector<std::string>& units) {
  for (const std::string& unit : units)
    if (auto ok = check_name(unit); !ok) return ok;
  Result<> first = remove_all(units);
  auto systemd = Systemd::connect();
  if (!systemd) return tl::unexpected(systemd.error());
  for (const std::string& unit : units) keep_first(first, systemd->start(unit));
  return first;
}

Result<bool> take_back(const contract::Step::HeldUnit& step) {
  if (auto ok = check_name(step.unit()); !ok) return tl::unexpected(ok.error());
  const auto removed = remove_drop_in(step.unit());
  if (!removed) return removed;
  auto systemd = Systemd::connect();
  if (!systemd) return tl::unexpected(systemd.error());
  if (auto ok = systemd->reload(); !ok) return tl::unexpected(ok.error());
  return *removed;
}

}  // namespace blackstart
