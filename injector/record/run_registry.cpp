// SPDX-License-Identifier: Apache-2.0
#include "injector/record/run_registry.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include <nlohmann/json.hpp>

#include "injector/record/write_file.h"

namespace blackstart {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Field 22 of /proc/PID/stat, counted behind the command's closing bracket; 0: no such process.
uint64_t start_time(int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto bracket = text.rfind(')');
  if (bracket == std::string::npos) return 0;
  std::istringstream fields(text.substr(bracket + 1));
  std::string field;
  for (int i = 3; i <= 22 && fields >> field; ++i) {
    if (i == 3 && field == "Z") return 0;
  }
  return field.empty() ? 0 : std::strtoull(field.c_str(), nullptr, 10);
}

Result<> make_folder(const std::string& path) {
  std::error_code code;
  const fs::path runs = fs::path(path).parent_path();
  if (fs::create_directories(runs, code)) fs::permissions(runs, fs::perms::owner_all, code);
  fs::create_directories(path, code);
  if (code) return fail(ErrorKind::kMissing, "create", path, code.value(), "run as root");
  fs::permissions(path, fs::perms::owner_all, code);
  return {};
}

std::vector<std::string> folders_in(const std::string& path) {
  std::vector<std::string> names;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(path, code)) names.push_back(entry.path().filename());
  std::sort(names.rbegin(), names.rend());
  return names;
}

std::optional<std::string> text_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::string line;
  std::getline(file, line);
  return line.empty() ? "asked by file " + path : line;
}

}  // namespace

std::string RunRegistry::new_run_id() {
  const time_t now = time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  char date[32], id[48];
  std::strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", &parts);
  std::snprintf(id, sizeof id, "%s-%04x", date, std::random_device{}() & 0xffff);
  return id;
}

RunRegistry::Open::~Open() {
  if (!run_.empty()) registry_.close(run_);
}

Result<RunRegistry::Open> RunRegistry::open(RunRecord record) {
  record.pid = getpid();
  record.pid_start = start_time(record.pid);
  record.state = kept_;
  for (const std::string& folder : {kept_folder(record.run), live_ + "/runs/" + record.run})
    if (auto ok = make_folder(folder); !ok) return tl::unexpected(ok.error());
  const json text{{"run", record.run},
                  {"experiment", record.experiment},
                  {"topology", record.topology},
                  {"agents", record.agents},
                  {"started", record.started},
                  {"pid", record.pid},
                  {"pidStart", record.pid_start},
                  {"state", record.state}};
  if (auto ok = write_file(live_ + "/runs/" + record.run + "/conductor", text.dump() + "\n"); !ok)
    return tl::unexpected(ok.error());
  return Open(*this, record.run);
}

void RunRegistry::close(const std::string& run) {
  std::error_code ignored;
  fs::remove_all(live_ + "/runs/" + run, ignored);
  fs::remove(live_ + "/runs", ignored);  // only when it was the last
  fs::remove(live_, ignored);
}

Result<std::vector<RunRecord>> RunRegistry::live() const {
  std::vector<RunRecord> records;
  if (access((live_ + "/runs").c_str(), R_OK | X_OK) != 0 && errno != ENOENT)
    return fail(ErrorKind::kMissing, "read", live_ + "/runs", errno, "run as root");
  for (const std::string& run : folders_in(live_ + "/runs")) {
    std::ifstream file(live_ + "/runs/" + run + "/conductor");
    const json text = json::parse(file, nullptr, false);
    if (!text.is_object()) continue;
    records.push_back({run, text.value("experiment", ""), text.value("topology", ""),
                       text.value("agents", ""), text.value("started", UnixNs{0}),
                       text.value("pid", int64_t{0}), text.value("pidStart", uint64_t{0}),
                       text.value("state", "")});
  }
  return records;
}

std::vector<std::string> RunRegistry::kept() const {
  return folders_in(kept_ + "/runs");
}

bool RunRegistry::conductor_alive(const RunRecord& record) {
  return record.pid > 0 && record.pid_start != 0 && start_time(record.pid) == record.pid_start;
}

Result<> RunRegistry::request_abort(const std::string& run, const std::string& why) {
  return write_file(live_ + "/runs/" + run + "/abort", why + "\n");
}

std::optional<std::string> RunRegistry::abort_requested(const std::string& run) const {
  if (auto why = text_of(live_ + "/runs/" + run + "/abort")) return why;
  if (auto why = text_of(live_ + "/abort")) return why;
  if (const auto lever = engaged_lever(kept_)) return lever->text();
  return std::nullopt;
}

Result<> RunRegistry::may_start() const {
  if (const auto lever = engaged_lever(kept_))
    return fail(ErrorKind::kRefused, lever->text(), "", 0,
                Lever(kept_).engaged() && kept_ != kStateFolder
                    ? "blackstart lever release --state " + kept_ + " lets runs start again"
                    : "blackstart lever release lets runs start again");
  if (const auto why = text_of(live_ + "/abort"))
    return fail(ErrorKind::kRefused, "every run is to end (" + *why + ")", "", 0,
                "rm " + live_ + "/abort lets runs start again");
  return {};
}

}  // namespace blackstart
