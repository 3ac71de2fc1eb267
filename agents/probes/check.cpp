// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/check.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "agents/contract/units.h"
#include "agents/probes/command_check.h"
#include "agents/probes/dns_check.h"
#include "agents/probes/prometheus_check.h"
#include "agents/probes/web_check.h"

namespace blackstart {
namespace {

constexpr Duration kShortest = std::chrono::milliseconds(10);
constexpr Duration kLongest = std::chrono::hours(1);

Result<> validate_times(const contract::Probe& probe) {
  const std::string range =
      "from " + format_duration(kShortest) + " to " + format_duration(kLongest) + " is possible";
  for (const auto& [name, value] : {std::pair{"every", probe.every_ns()}, {"timeout", probe.timeout_ns()}}) {
    if (value < kShortest.count() || value > kLongest.count())
      return fail(ErrorKind::kInvalid, "start probe", probe.name(), 0, std::string(name) + ": " + range);
  }
  return {};
}

}  // namespace

Result<> validate(const contract::Probe& probe, bool allow_commands) {
  if (probe.name().empty())
    return fail(ErrorKind::kInvalid, "start probe", "", 0, "every probe needs a name");
  if (const auto times = validate_times(probe); !times) return times;
  switch (probe.check_case()) {
    case contract::Probe::kHttp:
      return validate_http(probe);
    case contract::Probe::kTcp:
      return validate_tcp(probe);
    case contract::Probe::kDns:
      return validate_dns(probe);
    case contract::Probe::kCommand:
      if (!allow_commands) {
        return fail(ErrorKind::kRefused, "start probe", probe.name(), 0,
                    "this agent runs no commands; /etc/blackstart/agent.yaml may allow them");
      }
      return validate_command(probe);
    case contract::Probe::kPrometheus:
      return validate_prometheus(probe);
    case contract::Probe::CHECK_NOT_SET:
      break;
  }
  return fail(ErrorKind::kInvalid, "start probe", probe.name(), 0,
              "it needs http, tcp, dns, command or prometheus");
}

std::unique_ptr<Check> begin_check(const contract::Probe& probe, CheckContext& context, Report report) {
  switch (probe.check_case()) {
    case contract::Probe::kHttp:
      return begin_http(probe, context, std::move(report));
    case contract::Probe::kTcp:
      return begin_tcp(probe, context, std::move(report));
    case contract::Probe::kDns:
      return begin_dns(probe, context, std::move(report));
    case contract::Probe::kCommand:
      return begin_command(probe, context, std::move(report));
    case contract::Probe::kPrometheus:
      return begin_prometheus(probe, context, std::move(report));
    case contract::Probe::CHECK_NOT_SET:
      break;
  }
  report(missed("nothing to do"));
  return nullptr;
}

Finding failure(std::string_view word, std::string_view detail) {
  std::string reason(word);
  if (!detail.empty()) reason.append(" ").append(printable(detail));
  return {contract::Sample::FAILURE, std::move(reason)};
}

Finding missed(std::string_view detail) {
  return {contract::Sample::MISSED, std::string("missed ").append(printable(detail))};
}

Finding failure_of(int error, std::string_view detail) {
  switch (error) {
    case ETIMEDOUT:
      return failure("timeout", detail);
    case ECONNREFUSED:
      return failure("refused");
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
      return failure("unreachable");
    case EPERM:
    case EACCES:
      return failure("denied", detail);
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
      return failure("reset", detail);
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EAGAIN:
    case EADDRNOTAVAIL:
      return missed(std::string("for want of local resources: ") + std::strerror(error));
    default:
      return failure("error", error ? std::string_view(std::strerror(error)) : detail);
  }
}

std::string printable(std::string_view text) {
  constexpr size_t kMost = 200;
  std::string out(text.substr(0, kMost));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, ' ');
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace blackstart
