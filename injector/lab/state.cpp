// SPDX-License-Identifier: Apache-2.0
#include "injector/lab/state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "injector/lab/paths.h"

namespace blackstart::lab {

namespace fs = std::filesystem;

namespace {

constexpr auto kLongestWait = std::chrono::minutes(1);

bool still_there(const Fd& folder, const fs::path& path) {
  struct stat held {
  }, named{};
  return ::fstat(folder.get(), &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

}  // namespace

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ProcessId, pid, started)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RunningProcess, host, service, id)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(State, blueprint, boot_id, complete, processes)

namespace {

Result<> replace(const fs::path& path, const nlohmann::json& json) {
  const fs::path next = path.string() + ".next";
  std::ofstream file(next);
  file << json.dump(1) << std::flush;
  if (!file) return fail_errno(EIO, "write", next);
  if (::rename(next.c_str(), path.c_str()) != 0) return fail_errno(errno, "write", path);
  return {};
}

}  // namespace

std::optional<State> read_state(const std::string& lab) {
  std::ifstream file(Paths::of(lab).state());
  if (!file) return std::nullopt;
  try {
    auto state = nlohmann::json::parse(file).get<State>();
    const auto since = read_started(lab);
    state.processes.insert(state.processes.end(), since.begin(), since.end());
    return state;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

Result<> write_state(const State& state) {
  return replace(Paths::of(state.blueprint.name).state(), state);
}

std::vector<RunningProcess> read_started(const std::string& lab) {
  std::ifstream file(Paths::of(lab).started());
  try {
    return file ? nlohmann::json::parse(file).get<std::vector<RunningProcess>>()
                : std::vector<RunningProcess>{};
  } catch (const std::exception&) {
    return {};
  }
}

Result<> write_started(const std::string& lab, const std::vector<RunningProcess>& processes) {
  return replace(Paths::of(lab).started(), processes);
}

Result<Fd> lock_lab(const std::string& lab) {
  const fs::path folder = Paths::of(lab).root;
  const auto deadline = std::chrono::steady_clock::now() + kLongestWait;
  while (std::chrono::steady_clock::now() < deadline) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return fail_errno(error.value(), "create", folder);
    Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // A `down` that held the lock before us has removed the folder: start over with a new one.
    if (fd.valid() && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 && still_there(fd, folder)) return fd;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return fail(ErrorKind::kRefused, "change the lab", lab, 0, "another command is at work on it");
}

}  // namespace blackstart::lab
