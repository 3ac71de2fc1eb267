// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/prometheus_check.h"

#include <curl/curl.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "agents/contract/comparison.h"
#include "agents/probes/web_check.h"

namespace blackstart {
namespace {

using nlohmann::json;

constexpr size_t kMostAnswer = 1024 * 1024;
constexpr int kDeepest = 32;  // an answer of Prometheus has six levels; each takes stack to handle

// The member if it is there and a string, else "".
std::string text_at(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// [moment, "value"], of which the value is a Go number: "0.93", "NaN", "+Inf".
std::optional<std::string> value_of(const json& pair) {
  if (!pair.is_array() || pair.size() != 2 || !pair[1].is_string()) return std::nullopt;
  return pair[1].get<std::string>();
}

std::optional<double> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string text_of(double number) {
  char text[32];
  const auto end = std::to_chars(std::begin(text), std::end(text), number).ptr;
  return {text, end};
}

Finding judge_value(const contract::PrometheusCheck& check, const json& pair) {
  const auto text = value_of(pair);
  const auto number = text ? number_of(*text) : std::nullopt;
  if (!number) return failure("body", "a sample has no number");
  if (std::isnan(*number)) return failure("value", "NaN");
  if (holds(*number, check.op(), check.value())) return success();
  return failure("value",
                 *text + " is not " + std::string(sign_of(check.op())) + " " + text_of(check.value()));
}

Finding judge_vector(const contract::PrometheusCheck& check, const json& samples) {
  if (!samples.is_array()) return failure("body", "the vector is no list");
  if (samples.empty()) return failure("empty", "no sample");
  for (const json& sample : samples) {
    const auto value = sample.is_object() ? sample.find("value") : sample.end();
    Finding found = judge_value(check, value != sample.end() ? *value : json());
    if (found.outcome != contract::Sample::SUCCESS) return found;
  }
  return success();
}

Finding judge(const contract::PrometheusCheck& check, long status, const std::string& body) {
  const auto shallow = [](int depth, json::parse_event_t, json&) { return depth < kDeepest; };
  const json answer = json::parse(body, shallow, false);
  // What Prometheus says of a query it refuses comes with a status of its own.
  if (status != 200) return failure("status", std::to_string(status) + " " + text_at(answer, "error"));
  if (body.size() == kMostAnswer) return failure("body", "1 MiB or more");
  if (!answer.is_object()) return failure("body", "is no JSON object");
  if (text_at(answer, "status") != "success")
    return failure("body", "lacks status success: " + text_at(answer, "error"));
  const auto data = answer.find("data");
  const std::string type = data != answer.end() ? text_at(*data, "resultType") : "";
  const bool scalar = type == "scalar", vector = type == "vector";
  if ((!scalar && !vector) || !data->contains("result"))
    return failure("body", "no scalar and no instant vector: " + type);
  const json& result = (*data)["result"];
  return scalar ? judge_value(check, result) : judge_vector(check, result);
}

std::string query_url(const contract::PrometheusCheck& check) {
  std::string url = check.url();
  while (url.ends_with('/')) url.pop_back();
  const std::unique_ptr<char, decltype(&curl_free)> query(
      curl_easy_escape(nullptr, check.query().data(), static_cast<int>(check.query().size())), &curl_free);
  return url + "/api/v1/query?query=" + (query ? query.get() : "");
}

}  // namespace

Result<> validate_prometheus(const contract::Probe& probe) {
  const contract::PrometheusCheck& check = probe.prometheus();
  const auto invalid = [&](const std::string& what, std::string hint) {
    return fail(ErrorKind::kInvalid, "start probe " + probe.name(), what, 0, std::move(hint));
  };
  if (const auto url = validate_url(probe, check.url()); !url) return url;
  if (check.url().find_first_of("?#") != std::string::npos)
    return invalid(check.url(), "the server's URL ends before ? and #");
  if (check.query().empty()) return invalid(check.url(), "a query is needed");
  if (sign_of(check.op()).empty() || std::isnan(check.value()))
    return invalid(check.query(), "a comparison with a number is needed");
  return {};
}

std::unique_ptr<Check> begin_prometheus(const contract::Probe& probe, CheckContext& context, Report report) {
  const contract::PrometheusCheck& check = probe.prometheus();
  return begin_web(
      {.url = query_url(check),
       .most_body = kMostAnswer,
       .keep_body = true,
       .judge = [&check](long status, const std::string& body) { return judge(check, status, body); }},
      probe.timeout_ns(), context, std::move(report));
}

}  // namespace blackstart
