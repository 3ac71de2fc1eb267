// SPDX-License-Identifier: Apache-2.0
// What blackstart-agent can be asked to do; each returns an exit code.
#pragma once

#include "agents/daemon/options.h"

namespace blackstart {

// The agent of one host, until SIGTERM, SIGINT or SIGHUP.
int serve(const CommandLine& line);
// Its second process; started by it alone.
int stand_sentinel(const CommandLine& line);
// 0: taken back, or nothing to take back; kExitStranded: something is still there; kExitRefused: an agent
// is alive on that folder or in this network namespace, or what stands does so in another namespace.
int reap_by_hand(const CommandLine& line);

// Everything of ours on this machine, whoever holds it, and the command that removes each. 0: nothing, or
// live processes hold all of it; kExitStranded: something nobody holds; kExitMissing: nothing was found, but
// not everything could be looked at.
int take_inventory(const CommandLine& line);

// Asks probes and nothing else, for a conductor that has probes without a host to be asked from. Speaks
// the agents' contract on --socket; accepts no order and writes nothing to the kernel. Ends on SIGTERM,
// SIGINT or with the process that started it.
int probe_only(const CommandLine& line);

// What this kernel can do, as JSON: [{name, available, reason, hint}].
void print_features();

// Logs to standard error; every line names `who`.
void log_as(const std::string& who);

}  // namespace blackstart
