// SPDX-License-Identifier: Apache-2.0
// The keeper of a lab starts its services while nobody stands at the command line: those a fault killed,
// once the fault is over, and fresh ones that only show whether they come up. One process a lab, root, in a
// cgroup of its own beside the hosts', so that no host's loss of power reaches it.
//
// It listens on the lab's `keeper` socket (SOCK_SEQPACKET, root alone), one request a packet:
//
//   start HOST SERVICE             → ok PID: launched as `lab up` does, its folder as it is; nobody waits
//   until
//                                    it is ready. One that runs already is left alone, and ok.
//   fresh HOST SERVICE WITHIN_MS   → ok PID, once it is launched in a new folder and cgroup of its own;
//                                    then ready MS, died MS\nLAST WORDS or late MS\nLAST WORDS, MS after the
//                                    request. It lives as long as the connection, at most. One whose
//                                    preparations fail has died without an ok.
//   either                         → error TEXT: nothing was started
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "agents/contract/result.h"
#include "injector/lab/blueprint.h"
#include "injector/topology/topology.h"

namespace blackstart::lab {

// Serves until SIGTERM or SIGINT; what was started fresh ends with it. `topology` is what the blueprint was
// made from. Call it while the process has one thread.
[[nodiscard]] Result<> keep(const Blueprint& blueprint, Topology topology);

// Starts the lab's keeper, and waits until it listens.
[[nodiscard]] Result<> launch_keeper(const Blueprint& blueprint, const std::function<bool()>& cancelled);
[[nodiscard]] pid_t keeper_pid(const Blueprint& blueprint);  // 0: it does not run
[[nodiscard]] bool keeper_answers(const std::string& lab);

}  // namespace blackstart::lab
