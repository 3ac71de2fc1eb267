// SPDX-License-Identifier: Apache-2.0
#include "agents/kernel/process_state.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace blackstart {
namespace {

constexpr unsigned kKernelThread = 0x00200000;  // PF_KTHREAD
constexpr int kBetweenFlagsAndStart = 12;

}  // namespace

std::optional<ProcessState> process_state(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line, '\0');
  // "PID (NAME) STATE ..."; the name may hold anything, parentheses too.
  const size_t open = line.find('('), close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 2 >= line.size())
    return std::nullopt;
  ProcessState out{.pid = pid, .name = line.substr(open + 1, close - open - 1), .state = line[close + 2]};
  std::istringstream fields(line.substr(close + 3));
  std::string skipped;
  unsigned flags = 0;
  fields >> out.parent >> skipped >> out.session >> skipped >> skipped >> flags;
  for (int i = 0; i < kBetweenFlagsAndStart; ++i) fields >> skipped;
  fields >> out.started;
  out.kernel = (flags & kKernelThread) != 0;
  return out;
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> out;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    if (std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); }))
      out.push_back(std::stoi(name));
  }
  return out;
}

}  // namespace blackstart
