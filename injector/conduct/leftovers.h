// SPDX-License-Identifier: Apache-2.0
// What is left on the hosts once a run has taken everything back.
#pragma once

#include "injector/conduct/conclude.h"
#include "injector/conduct/fleet.h"

namespace blackstart {

// Asks every agent: residue and changes into the outcome, and what nobody can say into gaps and notes.
void take_stock(Fleet& fleet, Learned& learned, Outcome& outcome);

}  // namespace blackstart
