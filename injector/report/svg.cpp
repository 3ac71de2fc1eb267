// SPDX-License-Identifier: Apache-2.0
#include "injector/report/svg.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "injector/report/markup.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

constexpr double kLetter = 7.2;  // of a 12 px label, in a wide font
constexpr double kBoldLetter = 8.4;
constexpr int64_t kSecond = 1'000'000'000;

double letter_of(const std::string& css) {
  return css.find("strong") == std::string::npos ? kLetter : kBoldLetter;
}

}  // namespace

std::string number(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1f", value);
  std::string text = buffer;
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

double Svg::text_width(const std::string& words, const char* css) {
  return letter_of(css) * static_cast<double>(width_of(words));
}

std::string Svg::shortened(const std::string& words, double room, const char* css) {
  const auto most = static_cast<size_t>(std::max(room / letter_of(css), 1.0));
  return width_of(words) > most ? cell(words, most) : words;
}

void Svg::rect(double x, double y, double width, double height, const char* css, const std::string& hover) {
  body_ += "<rect class=\"" + std::string(css) + "\" x=\"" + number(x) + "\" y=\"" + number(y) +
           "\" width=\"" + number(std::max(width, 0.5)) + "\" height=\"" + number(height) + "\"";
  body_ += hover.empty() ? "/>" : "><title>" + escaped(hover) + "</title></rect>";
}

void Svg::line(double x1, double y1, double x2, double y2, const char* css) {
  body_ += "<line class=\"" + std::string(css) + "\" x1=\"" + number(x1) + "\" y1=\"" + number(y1) +
           "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) + "\"/>";
}

void Svg::path(const std::string& data, const char* css) {
  if (!data.empty()) body_ += "<path class=\"" + std::string(css) + "\" d=\"" + data + "\"/>";
}

void Svg::text(double x, double y, const std::string& text, const char* css, const char* anchor) {
  const std::string words = shortened(text, width_, css);
  const double own = text_width(words, css);
  std::string how = anchor;
  const double before = how == "middle" ? own / 2 : how == "end" ? own : 0;
  if (x - before < 0) {
    x = 0;
    how = "start";
  } else if (x - before + own > width_) {
    x = width_;
    how = "end";
  }
  body_ += "<text class=\"" + std::string(css) + "\" x=\"" + number(x) + "\" y=\"" + number(y) + "\"" +
           (how == "start" ? "" : " text-anchor=\"" + how + "\"") + ">" + escaped(words) + "</text>";
}

std::string Svg::finish(double height) const {
  return "<svg role=\"img\" viewBox=\"0 0 " + std::to_string(width_) + " " + number(height) + "\" width=\"" +
         std::to_string(width_) + "\" height=\"" + number(height) + "\"><title>" + escaped(title_) +
         "</title><desc>" + escaped(description_) + "</desc>" + body_ + "</svg>\n";
}

double TimeAxis::at(UnixNs moment) const {
  const double share =
      static_cast<double>(moment - from_) / static_cast<double>(std::max<int64_t>(to_ - from_, 1));
  return left_ + std::clamp(share, 0.0, 1.0) * (right_ - left_);
}

void TimeAxis::draw(Svg& svg, UnixNs zero, double room, double label_y, double y1, double y2) const {
  int64_t step = kSecond;
  for (const int64_t each :
       {1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400}) {
    step = each * kSecond;
    const double apart = static_cast<double>(step) / static_cast<double>(to_ - from_) * (right_ - left_);
    if (apart >= room) break;
  }
  const int64_t first =
      static_cast<int64_t>(std::ceil(static_cast<double>(from_ - zero) / static_cast<double>(step)));
  for (UnixNs moment = zero + first * step; moment <= to_; moment += step) {
    const bool origin = moment == zero;
    svg.line(at(moment), y1, at(moment), y2, origin ? "zero" : "grid");
    const Duration away(moment - zero);
    svg.text(at(moment), label_y,
             origin               ? "T0"
             : away < Duration{0} ? "−" + format_duration(-away)
                                  : "+" + format_duration(away),
             origin ? "label strong" : "label faint", "middle");
  }
}

}  // namespace blackstart::report
