// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "agents/language/shape.h"

namespace blackstart::cli {

// What the shape accepts, as JSON Schema 2020-12, without $schema: less only what no schema can say
// (Format::accepts).
nlohmann::ordered_json json_schema(const Shape& shape);

}  // namespace blackstart::cli
