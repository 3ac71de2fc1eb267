// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace blackstart {

// Names this boot of this machine; "" where /proc does not say.
std::string boot_id();

}  // namespace blackstart
