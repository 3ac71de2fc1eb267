// SPDX-License-Identifier: Apache-2.0
#include "injector/cli/progress_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

namespace blackstart::cli {
namespace {

size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 100;
}

std::string bar(double done) {
  constexpr int kWidth = 20;
  const int filled = static_cast<int>(std::lround(std::fmin(1.0, done) * kWidth));
  return "[" + std::string(static_cast<size_t>(filled), '#') +
         std::string(static_cast<size_t>(kWidth - filled), '.') + "]";
}

std::string describe(const RunProgress& progress) {
  char text[128];
  std::string line =
      progress.phase + std::string(progress.phase.size() < 9 ? 9 - progress.phase.size() : 0, ' ');
  if (progress.expected.count() > 0) {
    std::snprintf(text, sizeof text, " %s %4.1f/%.0fs",
                  bar(seconds(progress.elapsed) / seconds(progress.expected)).c_str(),
                  seconds(progress.elapsed), seconds(progress.expected));
    line += text;
  }
  if (progress.wait) line += "  waits for people: " + progress.wait->command();
  for (const auto& [name, ratio] : progress.probes) {
    line += "  " + name + " ";
    if (ratio) {
      std::snprintf(text, sizeof text, "%.0f%%", *ratio * 100);
      line += text;
    } else {
      line += "?";
    }
  }
  if (progress.packets.dropped > 0) {
    line += "  dropped " + std::to_string(progress.packets.dropped);
    line += "  leaked " + std::to_string(progress.packets.leaked);
  }
  return line;
}

}  // namespace

ProgressLine::ProgressLine(bool quiet, bool plain)
    : quiet_(quiet), terminal_(!plain && isatty(STDERR_FILENO) != 0) {}

ProgressLine::~ProgressLine() {
  erase();
}

void ProgressLine::erase() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

void ProgressLine::say(const std::string& text) {
  if (quiet_) return;
  erase();
  std::fprintf(stderr, "%s\n", text.c_str());
}

void ProgressLine::show(const RunProgress& progress) {
  if (quiet_) return;
  if (progress.phase != phase_ && !terminal_) say("-- " + progress.phase);
  phase_ = progress.phase;
  if (!terminal_) return;
  std::string line = describe(progress);
  if (const size_t width = terminal_width(); line.size() >= width) line.resize(width - 1);
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace blackstart::cli
