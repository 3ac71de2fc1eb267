// SPDX-License-Identifier: Apache-2.0
#include "injector/report/figures.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "injector/record/yardsticks.h"
#include "injector/report/digest.h"
#include "injector/report/findings.h"
#include "injector/report/svg.h"
#include "injector/report/text.h"

namespace blackstart::report {
namespace {

constexpr double kMargin = 2;
constexpr double kLabelLine = 17;  // a label and the air above it

struct Flag {
  UnixNs at;
  std::string words;
  const char* css;
};

// What happened at one moment, in order of time.
std::vector<Flag> flags_of(const Outcome& outcome) {
  std::vector<Flag> flags;
  const UnixNs zero = zero_of(outcome);
  for (const OutcomeMark& mark : outcome.marks) flags.push_back({mark.at, "⚑ " + mark.mark, "flag"});
  for (const OutcomeGate& gate : outcome.gates)
    if (gate.at)
      flags.push_back({zero + gate.at->count(),
                       std::string("◆ gate ") + (gate.passed.value_or(false) ? "passed" : "not passed"),
                       "flag"});
  for (const OutcomeGuard& guard : outcome.guards)
    if (guard.breached && guard.at)
      flags.push_back({zero + guard.at->count(), "✗ guard breached", "flag bad"});
  std::stable_sort(flags.begin(), flags.end(), [](const Flag& a, const Flag& b) { return a.at < b.at; });
  return flags;
}

std::string box(double x, double y, double width, double height) {
  return "M" + number(x) + " " + number(y) + "h" + number(width) + "v" + number(height) + "h" +
         number(-width) + "z";
}

// Answered from the bottom up, failed from the top down; what nobody asked stays empty.
void draw_strip(Svg& svg, const TimeAxis& axis, const OutcomeProbe& probe, Duration step, double y,
                double height) {
  std::string answered, failed;
  for (size_t i = 0; i < probe.series.size();) {
    const auto share = [&](size_t at) {
      const OutcomeSpan& span = probe.series[at];
      return span.attempts == 0 ? 0.0
                                : static_cast<double>(span.failures) / static_cast<double>(span.attempts);
    };
    size_t end = i + 1;
    while (end < probe.series.size() && share(end) == share(i) &&
           probe.series[end].at == probe.series[end - 1].at + step.count())
      ++end;
    const double x = axis.at(probe.series[i].at),
                 width = axis.at(probe.series[end - 1].at + step.count()) - x;
    const double down = share(i) * height;
    if (down > 0) failed += box(x, y, width, down);
    if (down < height) answered += box(x, y + down, width, height - down);
    i = end;
  }
  svg.rect(axis.at(axis.from()), y, axis.at(axis.to()) - axis.at(axis.from()), height, "empty");
  svg.path(answered, "answered");
  svg.path(failed, "failed");
}

// As high as the share that was there.
void draw_coming_back(Svg& svg, const TimeAxis& axis, const Outcome& outcome, const ComingBack& who, double y,
                      double height) {
  const double left = axis.at(who.curve.front().at), right = axis.at(axis.to());
  svg.rect(left, y, right - left, height, "empty");
  for (size_t i = 0; i < who.curve.size(); ++i) {
    const ComingBack::Point& point = who.curve[i];
    if (point.count == 0) continue;
    const double x = axis.at(point.at);
    const double end = i + 1 < who.curve.size() ? axis.at(who.curve[i + 1].at) : right;
    const double share = std::min(1.0, static_cast<double>(point.count) / static_cast<double>(who.well));
    svg.rect(x, y + (1 - share) * height, end - x, share * height, "answered",
             std::to_string(point.count) + " of " + std::to_string(who.well) + " " + who.who + " from " +
                 since(from_zero(outcome, point.at)));
  }
}

std::string what_it_hit(const OutcomeFault& fault) {
  std::vector<std::string> words;
  if (fault.processes.empty() || fault.dropped > 0)
    words.push_back(plural(fault.dropped, "packet") + " dropped");
  const OutcomeFault::Processes hit = processes_hit(fault);
  if (hit.killed > 0 || (!fault.processes.empty() && hit.frozen == 0))
    words.push_back(grouped(hit.killed) + (hit.killed == 1 ? " process killed" : " processes killed"));
  if (hit.frozen > 0) words.push_back(grouped(hit.frozen) + " frozen");
  return joined(words);
}

UnixNs end_of(const Outcome& outcome) {
  UnixNs end = 0;
  for (const OutcomePhase& phase : outcome.phases) end = std::max(end, phase.end);
  for (const auto& [name, probe] : outcome.probes)
    if (!probe.series.empty()) end = std::max(end, probe.series.back().at + outcome.series_step.count());
  return end;
}

UnixNs start_of(const Outcome& outcome) {
  UnixNs start = outcome.phases.empty() ? 0 : outcome.phases.front().start;
  for (const auto& [name, probe] : outcome.probes)
    if (!probe.series.empty() && (start == 0 || probe.series.front().at < start))
      start = probe.series.front().at;
  return start;
}

}  // namespace

std::string timeline_svg(const Outcome& outcome, int width) {
  const UnixNs from = start_of(outcome), to = end_of(outcome), zero = zero_of(outcome);
  if (from == 0 || to <= from) return "";
  const TimeAxis axis(from, to, kMargin, width - kMargin);
  const std::vector<Flag> flags = flags_of(outcome);

  // First where everything stands, then the drawing: the grid lies below it.
  double y = kLabelLine;
  const double grid_top = y + 4;
  const double phases_y = grid_top + 4;
  y = phases_y + 20;
  const double faults_y = y;
  y += static_cast<double>(outcome.faults.size()) * (kLabelLine + 16);
  const double flags_y = y;
  y += static_cast<double>(flags.size()) * kLabelLine;
  const double probes_y = y;
  constexpr double kStrip = 26;
  y += static_cast<double>(outcome.probes.size()) * (kLabelLine + 5 + kStrip);

  Svg svg("Timeline of the run",
          "Phases, faults, marks and the share of requests each probe got answered over time. The table "
          "below says the same in words.",
          width);
  axis.draw(svg, zero, 70, kLabelLine - 5, grid_top, y);

  for (const OutcomePhase& phase : outcome.phases) {
    const double x = axis.at(phase.start), w = axis.at(std::max(phase.end, phase.start)) - x;
    svg.rect(x, phases_y, w, 18, "phase",
             phase.phase + ", " + format_duration(Duration(std::max<int64_t>(phase.end - phase.start, 0))));
    if (Svg::text_width(phase.phase) + 8 < w)
      svg.text(x + w / 2, phases_y + 13, phase.phase, "label plain", "middle");
  }
  double row = faults_y;
  for (const OutcomeFault& fault : outcome.faults) {
    const UnixNs start = fault.first_effect ? fault.first_effect : outcome.fired;
    const double x = axis.at(start), w = axis.at(std::max(fault.end, start)) - x;
    svg.text(x + 4, row + kLabelLine - 4, fault.id + " " + fault.kind + ", " + what_it_hit(fault));
    svg.rect(x, row + kLabelLine, w, 10, had_effect(fault) || fault.dropped ? "fault" : "fault idle",
             fault.id + " " + fault.kind + ": " + since(from_zero(outcome, fault.first_effect)) + " to " +
                 since(from_zero(outcome, fault.end)));
    row += kLabelLine + 16;
  }
  row = flags_y;
  for (const Flag& flag : flags) {
    svg.line(axis.at(flag.at), row + 4, axis.at(flag.at), y, flag.css);
    svg.text(axis.at(flag.at) + 4, row + kLabelLine - 4,
             flag.words + " " + since(from_zero(outcome, flag.at)));
    row += kLabelLine;
  }
  row = probes_y;
  for (const auto& [name, probe] : outcome.probes) {
    const std::string answered = percent(probe.during) + " during";
    svg.text(0, row + kLabelLine - 2,
             Svg::shortened(name + (probe.from.empty() ? "" : " from " + probe.from),
                            width - Svg::text_width(answered), "label strong"),
             "label strong");
    svg.text(width, row + kLabelLine - 2, answered, "label", "end");
    draw_strip(svg, axis, probe, outcome.series_step, row + kLabelLine + 3, kStrip);
    row += kLabelLine + 5 + kStrip;
  }
  return svg.finish(y + 2);
}

std::string recovery_svg(const Outcome& outcome, int width) {
  const std::vector<AnsweredAt> curve = answered_over_time(outcome);
  const std::vector<ComingBack> back = coming_back(outcome);
  const bool answers = curve.size() >= 2;
  if (outcome.t0 == 0 || (!answers && back.empty())) return "";
  const int64_t step = outcome.series_step.count();
  const double left = 40, top = kLabelLine + 6, height = answers ? 130 : 0, curve_bottom = top + height;
  constexpr double kStrip = 20, kRow = kLabelLine + 5 + kStrip;
  const double rows_y = curve_bottom + 6, bottom = rows_y + static_cast<double>(back.size()) * kRow;
  const UnixNs from = answers ? std::max(curve.front().at, outcome.t0 - 10 * step) : outcome.t0;
  const UnixNs to = end_of(outcome);
  const TimeAxis axis(from, to, left, width - kMargin);
  const auto level = [&](double ratio) { return curve_bottom - ratio * height; };

  Svg svg(
      "Recovery curve",
      "The share of requests answered, journeys by weight, from before T0 to the end of the run; below it "
      "how many services and hosts of each site passed their checks. The list below says the same in words.",
      width);
  UnixNs fault_end = 0;
  for (const OutcomeFault& fault : outcome.faults) fault_end = std::max(fault_end, fault.end);
  if (answers && fault_end > outcome.t0) {
    svg.rect(axis.at(outcome.t0), top, axis.at(fault_end) - axis.at(outcome.t0), height, "under-fault",
             "while the faults lasted");
    svg.text((axis.at(outcome.t0) + axis.at(fault_end)) / 2, top + 14, "faults", "label faint plain",
             "middle");
  }
  axis.draw(svg, outcome.t0, 70, kLabelLine - 3, top, bottom);
  if (answers) {
    for (const double ratio : {0.0, 0.5, 1.0}) {
      svg.line(left, level(ratio), width - kMargin, level(ratio), "grid");
      svg.text(left - 5, level(ratio) + 4, percent(ratio), "label faint", "end");
    }
    std::string data;
    UnixNs expected = 0;
    for (const AnsweredAt& point : curve) {
      if (point.at < from) continue;
      const std::string x = number(axis.at(point.at)), y = number(level(point.ratio));
      // A gap is a gap: nobody knows what was between.
      data += point.at == expected ? "V" + y : "M" + x + " " + y;
      data += "H" + number(axis.at(point.at + step));
      expected = point.at + step;
    }
    svg.path(data, "curve");
  }
  double y = rows_y;
  for (const ComingBack& each : back) {
    svg.text(0, y + kLabelLine, each.text);
    draw_coming_back(svg, axis, outcome, each, y + kLabelLine + 5, kStrip);
    y += kRow;
  }
  return svg.finish(bottom + 6);
}

std::string objectives_svg(const Outcome& outcome, int width) {
  if (outcome.objectives.empty()) return "";
  constexpr double kFirst = 0, kLast = 6;  // a second to ten days, as powers of ten
  const double right = width - kMargin;
  const auto at = [&](Duration duration) {
    const double power = std::log10(std::max(seconds(duration), 1.0));
    return kMargin + (std::min(power, kLast) - kFirst) / (kLast - kFirst) * (right - kMargin);
  };
  const double yard_top = 0, rows_y = static_cast<double>(yardsticks().size()) * kLabelLine + 6;
  constexpr double kRow = kLabelLine + 18;
  const double bottom = rows_y + static_cast<double>(outcome.objectives.size()) * kRow;

  Svg svg("Objectives beside what others took",
          "A logarithmic axis from one second to ten days. The table below says the same in words.", width);
  double label_y = yard_top;
  for (const Yardstick& yardstick : yardsticks()) {
    label_y += kLabelLine;
    const double x = at(yardstick.length);
    svg.line(x, label_y - 10, x, bottom, "yardstick");
    svg.text(x - 5, label_y - 1, std::string(yardstick.name) + ", " + format_duration(yardstick.length),
             "label faint", "end");
  }
  double y = rows_y;
  for (const OutcomeObjective& each : outcome.objectives) {
    svg.text(kMargin, y + kLabelLine - 3,
             each.objective + ": " + achieved_text(each) + ", within " + format_duration(each.target),
             "label strong");
    svg.rect(kMargin, y + kLabelLine + 2, right - kMargin, 9, "empty");
    if (each.achieved)
      svg.rect(kMargin, y + kLabelLine + 2, at(*each.achieved) - kMargin, 9,
               met(each) == std::optional(false) ? "failed"
               : each.censored                   ? "answered bound"
                                                 : "answered");
    svg.rect(at(each.target) - 1.5, y + kLabelLine - 1, 3, 15, "target",
             "the objective: " + format_duration(each.target));
    y += kRow;
  }
  return svg.finish(bottom + 2);
}

}  // namespace blackstart::report
