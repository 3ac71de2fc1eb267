// SPDX-License-Identifier: Apache-2.0
// Numbered records written through the system while it is hurt, and read back once it has recovered: what
// was acknowledged and is not there any more is lost. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "injector/conduct/evaluate.h"
#include "injector/experiment/experiment.h"
#include "injector/record/outcome.h"

namespace blackstart {

using ProbesByHost = std::map<std::string, std::vector<contract::Probe>>;

// The attempt with number n writes record n, or reads it.
ProbesByHost record_writers(const Experiment& experiment, const std::string& run);
ProbesByHost record_readers(const Experiment& experiment, const std::string& run);

inline constexpr Duration kReadEvery = std::chrono::milliseconds(100);
// How long reading back everything written until `ended` takes.
Duration read_back_time(const Experiment& experiment, const Histories& histories, UnixNs ended);

// Judges the records written until `ended`; adds the objective `rpo`, of the worst of them, where the
// experiment has one. An acknowledged record that nobody could read or miss is unknown, and so is the rpo
// then; so is it when nothing was acknowledged.
void fill_records(const Experiment& experiment, const Histories& histories, UnixNs ended, Outcome& outcome);

}  // namespace blackstart
