// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "agents/contract/result.h"
#include "agents/kernel/fd.h"

namespace blackstart {

// The folder of one host's agent, claimed: while this lives nobody else can claim it. A process that
// dies, however it dies, leaves it free.
class StateFolder {
 public:
  // Made with mode 0700 if it does not exist; its parent must. A symlink, another user's folder, or one
  // that others may write to is refused. EWOULDBLOCK when it is still claimed after `patience`.
  static Result<StateFolder> claim(const std::string& path, std::chrono::milliseconds patience = {});

  // Whether somebody has claimed the folder at this path.
  static bool claimed(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int fd() const { return folder_.get(); }

 private:
  StateFolder(std::string path, Fd folder, Fd lock)
      : path_(std::move(path)), folder_(std::move(folder)), lock_(std::move(lock)) {}

  std::string path_;
  Fd folder_, lock_;
};

}  // namespace blackstart
