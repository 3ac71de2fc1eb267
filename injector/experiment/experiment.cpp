// SPDX-License-Identifier: Apache-2.0
#include "injector/experiment/experiment.h"

#include <algorithm>
#include <string_view>

#include "agents/contract/comparison.h"
#include "agents/language/format.h"

namespace blackstart {
namespace {

std::optional<double> comparison_value(std::string_view text) {
  if (const auto number = plain_number(text)) return number;
  if (const auto duration = parse_duration(text)) return seconds(*duration);
  if (!text.ends_with('%')) return std::nullopt;
  const auto percent = plain_number(text.substr(0, text.size() - 1));
  return percent ? std::optional(*percent / 100) : std::nullopt;
}

}  // namespace

std::optional<contract::Engine> engine_named(std::string_view name) {
  if (name == "auto") return contract::ENGINE_AUTO;
  if (name == "ebpf") return contract::ENGINE_EBPF;
  if (name == "netfilter") return contract::ENGINE_NETFILTER;
  return std::nullopt;
}

std::optional<Comparison> parse_comparison(std::string_view text) {
  for (const ComparisonSign& candidate : kComparisonSigns) {
    if (!text.starts_with(candidate.text)) continue;
    std::string_view rest = text.substr(candidate.text.size());
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    const auto value = comparison_value(rest);
    if (!value) return std::nullopt;
    return Comparison{candidate.op, *value, std::string(text)};
  }
  return std::nullopt;
}

bool Comparison::holds(double actual) const {
  return blackstart::holds(actual, op, value);
}

std::string Demand::text() const {
  std::string text = success_ratio ? "successRatio " + success_ratio->text : "";
  for (const auto& [percentile, limit] : latency)
    text += (text.empty() ? "p" : ", p") + std::to_string(percentile) + " " + limit.text;
  return text + " over " + format_duration(over);
}

Duration Experiment::end() const {
  Duration last{0};
  for (const FaultSpec& fault : faults) last = std::max(last, fault.at + fault.duration);
  return last;
}

std::vector<std::string> Experiment::absent() const {
  std::vector<std::string> people;
  for (const FaultSpec& fault : faults) people.insert(people.end(), fault.who.begin(), fault.who.end());
  return people;
}

}  // namespace blackstart
