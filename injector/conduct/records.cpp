// SPDX-License-Identifier: Apache-2.0
#include "injector/conduct/records.h"

#include <algorithm>
#include <string_view>

#include "injector/conduct/preconditions.h"

namespace blackstart {
namespace {

using namespace std::chrono_literals;
using Samples = std::vector<ProbeHistory::Sample>;

constexpr std::string_view kRun = "{run}";
constexpr Duration kReadSlack = 2s;  // for the first answer and for collecting the last

contract::Probe of_run(contract::Probe probe, const std::string& run) {
  for (std::string& word : *probe.mutable_command()->mutable_argv())
    for (size_t at = 0; (at = word.find(kRun, at)) != std::string::npos; at += run.size())
      word.replace(at, kRun.size(), run);
  return probe;
}

const Samples& samples_of(const Histories& histories, const std::string& probe) {
  static const Samples kNone;
  const auto found = histories.find(probe);
  return found == histories.end() ? kNone : found->second.samples();
}

// The numbers below this one were due until `ended`.
uint64_t written_until(const Samples& writes, UnixNs ended) {
  uint64_t number = writes.size();
  while (number > 0 && (writes[number - 1].scheduled == 0 || writes[number - 1].scheduled > ended)) --number;
  return number;
}

// Whether the record is there; nullopt: nobody said.
std::optional<bool> is_there(const Samples& reads, uint64_t number) {
  if (number >= reads.size()) return std::nullopt;
  const ProbeHistory::Sample& read = reads[number];
  if (read.outcome == contract::Sample::SUCCESS) return true;
  const bool absent = read.outcome == contract::Sample::FAILURE &&
                      (read.reason == "exit 1" || read.reason.starts_with("exit 1:"));
  return absent ? std::optional(false) : std::nullopt;
}

OutcomeRecords judge_records(const RecordsSpec& spec, const Histories& histories, UnixNs ended) {
  const Samples& writes = samples_of(histories, spec.write.probe.name());
  const Samples& reads = samples_of(histories, spec.read.probe.name());
  OutcomeRecords out{.from = spec.write.from, .asked = written_until(writes, ended)};
  for (uint64_t number = 0; number < out.asked; ++number) {
    if (writes[number].outcome != contract::Sample::SUCCESS) continue;
    ++out.acknowledged;
    const auto there = is_there(reads, number);
    if (!there) ++out.unknown;
    if (there.value_or(true)) continue;
    ++out.lost;
    if (out.first_lost == 0) out.first_lost = writes[number].scheduled;
    out.last_lost = writes[number].scheduled;
  }
  if (out.acknowledged > 0 && out.unknown == 0)
    out.rpo =
        out.lost == 0 ? Duration(0) : Duration(out.last_lost - out.first_lost + spec.write.probe.every_ns());
  return out;
}

}  // namespace

ProbesByHost record_writers(const Experiment& experiment, const std::string& run) {
  ProbesByHost probes;
  for (const RecordsSpec& spec : experiment.records)
    probes[place_of(spec.write)].push_back(of_run(spec.write.probe, run));
  return probes;
}

ProbesByHost record_readers(const Experiment& experiment, const std::string& run) {
  ProbesByHost probes;
  for (const RecordsSpec& spec : experiment.records) {
    contract::Probe probe = of_run(spec.read.probe, run);
    probe.set_every_ns(kReadEvery.count());
    probes[place_of(spec.read)].push_back(std::move(probe));
  }
  return probes;
}

Duration read_back_time(const Experiment& experiment, const Histories& histories, UnixNs ended) {
  Duration longest{0};
  for (const RecordsSpec& spec : experiment.records) {
    const auto count =
        static_cast<int64_t>(written_until(samples_of(histories, spec.write.probe.name()), ended));
    longest = std::max(longest, count * kReadEvery + Duration(spec.read.probe.timeout_ns()) + kReadSlack);
  }
  return longest;
}

void fill_records(const Experiment& experiment, const Histories& histories, UnixNs ended, Outcome& outcome) {
  std::optional<Duration> worst = Duration(0);
  for (const RecordsSpec& spec : experiment.records) {
    const OutcomeRecords& records = outcome.records[spec.name] = judge_records(spec, histories, ended);
    worst = worst && records.rpo ? std::optional(std::max(*worst, *records.rpo)) : std::nullopt;
  }
  if (experiment.objectives.rpo && !experiment.records.empty())
    outcome.objectives.push_back({"rpo", *experiment.objectives.rpo, worst, false});
}

}  // namespace blackstart
