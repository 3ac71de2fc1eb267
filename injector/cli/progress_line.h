// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "injector/conduct/conduct.h"

namespace blackstart::cli {

// Shows on stderr where a run stands: on a terminal one line that changes in place, elsewhere one line
// a phase. Prints nothing when quiet; plain: as elsewhere, even on a terminal.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet, bool plain = false);
  ~ProgressLine();  // leaves the cursor on a fresh line
  void show(const RunProgress& progress);
  // A line of its own, above the changing one.
  void say(const std::string& text);

 private:
  void erase();

  bool quiet_, terminal_, drawn_ = false;
  std::string phase_;
};

}  // namespace blackstart::cli
