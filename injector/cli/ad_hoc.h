// SPDX-License-Identifier: Apache-2.0
// An ad-hoc drill: writes the experiment it stands for, then goes the way every experiment goes.
#pragma once

#include <string>
#include <vector>

#include "injector/cli/command.h"

namespace blackstart::cli {

struct AdHoc {
  std::string name;     // "ad-hoc-kill"
  std::string summary;  // one sentence
  std::string
      fault;  // the entry of the timeline without its braces, `at` and `for`: "fault: site-blackhole, ..."
  std::vector<std::string> unprotect;  // protected, and may be hit
};

// --for, --topology, --print, and what every drill takes.
void declare_ad_hoc(po::options_description& options);

// Prints the experiment where --print says so, else conducts it. Returns the exit code.
int run_ad_hoc(const AdHoc& drill, const Invocation& invocation);

// A double-quoted YAML scalar, and a list of them.
std::string quoted(const std::string& text);
std::string quoted(const std::vector<std::string>& texts);

}  // namespace blackstart::cli
