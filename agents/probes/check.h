// SPDX-License-Identifier: Apache-2.0
// One attempt at one probe, by kind. Beginning an attempt may finish it at once; it reports at most
// once, from the loop's thread. Destroying it ends whatever it still does without a word; that may not
// happen from within the report.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agents/contract/contract.pb.h"
#include "agents/contract/result.h"
#include "agents/probes/loop.h"
#include "agents/probes/name_query.h"
#include "agents/probes/sample_buffer.h"

namespace blackstart {

class CommandReaper;
class Web;

class Check {
 public:
  virtual ~Check() = default;
  // What it waits for, as the detail of a timeout: "resolving", "connecting".
  [[nodiscard]] virtual std::string_view doing() const = 0;
};

using Report = std::function<void(Finding)>;

// Who a command runs as; unset: as the agent itself.
struct Credentials {
  uid_t uid = 0;
  gid_t gid = 0;
};

// What attempts share. Outlives them.
struct CheckContext {
  Loop& loop;
  Web& web;
  CommandReaper& reaper;
  std::optional<NameServer> name_server;
  std::optional<Credentials> command_user;
};

// Whether a probe can be run at all: kInvalid, or kRefused for a command where none is allowed.
[[nodiscard]] Result<> validate(const contract::Probe& probe, bool allow_commands);

// The probe is valid and outlives the check.
std::unique_ptr<Check> begin_check(const contract::Probe& probe, CheckContext& context, Report report);

// A reason is one of these words, then detail of any kind:
//   timeout refused unreachable denied reset resolve tls status body empty value exit killed missed error
inline Finding success() {
  return {contract::Sample::SUCCESS, ""};
}
Finding failure(std::string_view word, std::string_view detail = {});
Finding missed(std::string_view detail);
// A failed system call on the way to the other side. Want of descriptors or memory here is a missed
// attempt: it says nothing about the other side.
Finding failure_of(int error, std::string_view detail);
// Printable ASCII on one line, at most 200 characters: what foreign text becomes before it travels.
std::string printable(std::string_view text);

}  // namespace blackstart
