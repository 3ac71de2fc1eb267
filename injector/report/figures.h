// SPDX-License-Identifier: Apache-2.0
// The pictures of the HTML report, as SVG with a title and a description. Colour never says anything
// alone; colours are the page's classes, so they follow light, dark and paper.
#pragma once

#include <string>

#include "injector/record/outcome.h"

namespace blackstart::report {

// `width` is in units of a page's pixel: text keeps its size, the drawing takes what is left. "": there
// is nothing to draw.
[[nodiscard]] std::string timeline_svg(const Outcome& outcome, int width);
// The share of requests answered from shortly before T0 to the end.
[[nodiscard]] std::string recovery_svg(const Outcome& outcome, int width);
// Objectives and yardsticks on one logarithmic axis.
[[nodiscard]] std::string objectives_svg(const Outcome& outcome, int width);

}  // namespace blackstart::report
