// SPDX-License-Identifier: Apache-2.0
// Which of the runs under way a person means.
#pragma once

#include <string>

#include "injector/cli/command.h"
#include "injector/record/run_registry.h"

namespace blackstart::cli {

void declare_meant_run(po::options_description& options);  // --run
// The run that is named, else the only one; the error is about `operation`, "mark detected".
Result<RunRecord> meant_run(const RunRegistry& registry, const Invocation& invocation,
                            const std::string& operation);

}  // namespace blackstart::cli
