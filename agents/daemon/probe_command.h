// SPDX-License-Identifier: Apache-2.0
// `blackstart-agent probe`: asks probes and nothing else. The conductor starts one where it stands, for
// those without a host to be asked from.
#pragma once

namespace blackstart {

// argv[1] is "probe". Speaks the agents' contract on --socket; accepts no order and writes nothing to the
// kernel. Ends on SIGTERM, SIGINT or with the process that started it. Returns the exit code.
int run_probe_command(int argc, char** argv);

}  // namespace blackstart
