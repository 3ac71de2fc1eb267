// SPDX-License-Identifier: Apache-2.0
// How other tools drop the packets of a set of peers: their mechanisms, armed with the same tools in
// the form those take most targets at once.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace blackstart::bench {

struct Mechanism {
  std::string name;                // and who uses it
  std::vector<std::string> tools;  // programs it needs
  // What is in that file for these peers, given as dotted addresses.
  std::function<std::string(const std::vector<std::string>&)> file;
  std::string arm;  // shell command; reads the file "$1"
  // Shell command that prints how many peers are armed.
  std::string count;
};

const std::vector<Mechanism>& mechanisms();

// A tool that is not installed; "": none.
std::string missing_tool(const Mechanism& mechanism);

// Writes the mechanism's file for these peers into `folder`; the command that then arms it.
std::vector<std::string> prepare(const Mechanism& mechanism, const std::vector<std::string>& peers,
                                 const std::string& folder);

}  // namespace blackstart::bench
