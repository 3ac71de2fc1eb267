// SPDX-License-Identifier: Apache-2.0
// The lever: while it is engaged every run ends and none starts, on this machine, until somebody
// releases it; a restart changes nothing (safety rule S7). It is one file, FOLDER/lever, so that whoever
// may write there can use it without this program: that it exists is what counts.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "agents/contract/result.h"
#include "agents/contract/units.h"

namespace blackstart {

// Agents watch the lever here.
inline constexpr const char* kStateFolder = "/var/lib/blackstart";

struct LeverState {
  UnixNs since = 0;  // 0: not known
  std::string by, why;

  // "the lever is engaged since 2026-01-02T03:04:05.000Z by alice: the wrong datacenter"
  [[nodiscard]] std::string text() const;
};

class Lever {
 public:
  explicit Lever(const std::string& folder = kStateFolder) : file_(folder + "/lever") {}

  // On the disk when it returns; makes the folder. One that is engaged stays as it is.
  [[nodiscard]] Result<> engage(const LeverState& state);
  // False: it was not engaged.
  [[nodiscard]] Result<bool> release();
  // A file that cannot be read or makes no sense engages the lever too: unknown is not released.
  [[nodiscard]] std::optional<LeverState> engaged() const;

  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  std::string file_;
};

// The lever of `folder` where it is engaged, else that of kStateFolder.
[[nodiscard]] std::optional<LeverState> engaged_lever(const std::string& folder);

}  // namespace blackstart
