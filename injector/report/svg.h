// SPDX-License-Identifier: Apache-2.0
// A drawing that grows downwards.
#pragma once

#include <string>

#include "agents/contract/units.h"

namespace blackstart::report {

class Svg {
 public:
  Svg(std::string title, std::string description, int width)
      : title_(std::move(title)), description_(std::move(description)), width_(width) {}

  void rect(double x, double y, double width, double height, const char* css, const std::string& hover = {});
  void line(double x1, double y1, double x2, double y2, const char* css);
  void path(const std::string& data, const char* css);
  // anchor: start, middle or end. A text that would leave the drawing is anchored at its edge,
  // one that is longer than it is shortened.
  void text(double x, double y, const std::string& text, const char* css = "label",
            const char* anchor = "start");
  [[nodiscard]] int width() const { return width_; }
  [[nodiscard]] std::string finish(double height) const;

  static double text_width(const std::string& words, const char* css = "label");  // about
  // What fits `room`, with "…" where not all of it does.
  static std::string shortened(const std::string& words, double room, const char* css = "label");

 private:
  std::string title_, description_, body_;
  int width_;
};

std::string number(double value);  // at most one decimal

// Moments on a horizontal axis.
class TimeAxis {
 public:
  TimeAxis(UnixNs from, UnixNs to, double left, double right)
      : from_(from), to_(to), left_(left), right_(right) {}
  [[nodiscard]] double at(UnixNs moment) const;  // clamped
  [[nodiscard]] UnixNs from() const { return from_; }
  [[nodiscard]] UnixNs to() const { return to_; }
  // Round distances from `zero`, at least `room` apart, as labelled lines from y1 to y2.
  void draw(Svg& svg, UnixNs zero, double room, double label_y, double y1, double y2) const;

 private:
  UnixNs from_, to_;
  double left_, right_;
};

}  // namespace blackstart::report
