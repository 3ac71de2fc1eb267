// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include <tl/expected.hpp>

#include "injector/experiment/experiment.h"
#include "injector/plan/plan.h"
#include "injector/topology/topology.h"

namespace blackstart {

struct PlanOptions {
  std::optional<contract::Engine> engine;  // instead of the experiment's own
  contract::Attachment attachment = contract::ATTACHMENT_AUTO;
  bool ad_hoc = false;  // the experiment is made of a command's options: hints name those
};

// Pure: no I/O, no clock. Both inputs are valid by themselves and for each other (validate.h). Every
// problem that can be found is returned; what a safety rule forbids has kind kRefused.
[[nodiscard]] tl::expected<Plan, Problems> make_plan(const Topology& topology, const Experiment& experiment,
                                                     const PlanOptions& options = {});

}  // namespace blackstart
