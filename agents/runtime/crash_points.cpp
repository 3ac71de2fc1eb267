// SPDX-License-Identifier: Apache-2.0
#include "agents/runtime/crash_points.h"

#ifdef BLACKSTART_TEST_BUILD
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string_view>
#endif

namespace blackstart {

std::vector<std::string> crash_point_names() {
  std::vector<std::string> out;
  const auto* kinds = contract::Step::descriptor()->oneof_decl(0);
  for (const CrashPointName& point : kCrashPoints) {
    if (!point.of_each_step) {
      out.emplace_back(point.name);
      continue;
    }
    for (int i = 0; i < kinds->field_count(); ++i)
      out.push_back(std::string(point.name) + "." + kinds->field(i)->name());
  }
  return out;
}

#ifdef BLACKSTART_TEST_BUILD
namespace {

const char* name_of(CrashPoint point) {
  return kCrashPoints[static_cast<size_t>(point)].name;
}

void stop_at(const std::string& name) {
  const char* asked = std::getenv("BLACKSTART_STOP_AT");
  if (!asked) return;
  const std::string_view text = asked;
  const size_t colon = text.find(':');
  if (text.substr(0, colon) != name) return;
  const std::string file(text.substr(colon + 1));
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return;  // somebody was here before
  const std::string pid = std::to_string(::getpid());
  (void)!::write(fd, pid.data(), pid.size());
  ::close(fd);
  ::raise(SIGSTOP);
}

}  // namespace

void reached(CrashPoint point) {
  stop_at(name_of(point));
}

void reached(CrashPoint point, const contract::Step& step) {
  const auto* kind = contract::Step::GetReflection()->GetOneofFieldDescriptor(
      step, contract::Step::descriptor()->oneof_decl(0));
  stop_at(std::string(name_of(point)) + "." + (kind ? kind->name() : ""));
}

bool switched_off(Mechanism mechanism) {
  const char* asked = std::getenv("BLACKSTART_MUTATE");
  if (!asked) return false;
  constexpr std::array<std::string_view, 6> names{"deadline", "sentinel",      "reaper",
                                                  "protect",  "network-first", "end-sockets"};
  return asked == names[static_cast<size_t>(mechanism)];
}
#endif

}  // namespace blackstart
