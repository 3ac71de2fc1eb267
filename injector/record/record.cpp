// SPDX-License-Identifier: Apache-2.0
#include "injector/record/record.h"

#include <fstream>
#include <iterator>
#include <optional>

#include <nlohmann/json.hpp>

#include "injector/plan/sha256.h"

namespace blackstart {
namespace {

using nlohmann::json;

constexpr const char* kPlanEvent = "plan";
constexpr const char* kOutcomeEvent = "outcome";

json sealed(const std::string& text) {
  return {{"sha256", sha256_hex(text)}};
}

// What is wrong with `file`, if anything, beside the event that holds its hash.
std::optional<Problem> compare(const std::string& file, const VerifiedLog::Event& event) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return Problem{Problem::Kind::kInvalid, {file}, "cannot be read", ""};
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  if (json::parse(event.data) == sealed(text)) return std::nullopt;
  return Problem{
      Problem::Kind::kInvalid, {file}, "it is not what the run wrote: the log holds another hash", ""};
}

}  // namespace

Result<> seal_plan(EventLog& log, const std::string& plan_text) {
  return log.append(kPlanEvent, sealed(plan_text));
}

Result<> seal_outcome(EventLog& log, const std::string& outcome_text) {
  return log.append(kOutcomeEvent, sealed(outcome_text));
}

tl::expected<VerifiedRecord, Problem> verify_record(const std::string& folder, const std::string& head) {
  const std::string log_file = folder + "/events.jsonl";
  const auto log = verify_log(log_file, head);
  if (!log) return tl::unexpected(log.error());
  if (log->events > 0 && log->first.type != kPlanEvent)
    return tl::unexpected(Problem{
        Problem::Kind::kInvalid, {log_file, 1}, "`type` is not plan: the record has no beginning", ""});
  if (log->events > 0)
    if (auto problem = compare(folder + "/plan.json", log->first)) return tl::unexpected(*problem);
  VerifiedRecord record{log->events, log->head, log->last.type == kOutcomeEvent};
  if (record.sealed)
    if (auto problem = compare(folder + "/outcome.json", log->last)) return tl::unexpected(*problem);
  return record;
}

}  // namespace blackstart
