// SPDX-License-Identifier: Apache-2.0
#include "injector/record/run_stand.h"

#include <algorithm>
#include <fstream>

#include "injector/plan/returning.h"
#include "injector/record/said_lines.h"
#include "injector/record/write_file.h"

namespace blackstart {

using nlohmann::json;

std::string ReturnWait::command() const {
  return "blackstart return " + names_of_return(instances).front();
}

std::string ReturnWait::text() const {
  std::vector<std::string> names = names_of_return(instances);
  std::string others;
  for (size_t i = 1; i < names.size(); ++i) others += (i > 1 ? ", " : "") + names[i];
  return stage + " waits for somebody: " + command() + (others.empty() ? "" : " (or: " + others + ")");
}

bool ReturnWait::operator==(const ReturnWait& other) const {
  return stage == other.stage && until == other.until &&
         std::equal(instances.begin(), instances.end(), other.instances.begin(), other.instances.end(),
                    [](const PlanReturn& a, const PlanReturn& b) {
                      return a.host == b.host && a.service == b.service;
                    });
}

json json_of(const ReturnWait& wait) {
  json instances = json::array();
  for (const PlanReturn& each : wait.instances)
    instances.push_back(
        {{"host", each.host}, {"site", each.site}, {"service", each.service}, {"role", each.role}});
  return {{"stage", wait.stage},       {"instances", std::move(instances)},
          {"command", wait.command()}, {"names", names_of_return(wait.instances)},
          {"text", wait.text()},       {"until", rfc3339(wait.until)}};
}

Result<> write_stand(const std::string& file, const RunStand& stand) {
  json text{{"phase", stand.phase},
            {"detail", stand.detail},
            {"since", stand.since},
            {"expected", stand.expected.count()}};
  if (stand.wait) {
    text["wait"] = json_of(*stand.wait);
    text["wait"]["until"] = stand.wait->until;
  }
  return write_file(file, text.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
}

std::optional<RunStand> read_stand(const std::string& file) {
  std::ifstream in(file);
  const json text = json::parse(in, nullptr, false);
  if (!text.is_object()) return std::nullopt;
  RunStand stand{text_in(text, "phase"), text_in(text, "detail"), number_in(text, "since", 0),
                 Duration(number_in(text, "expected", 0)), std::nullopt};
  const json wait = text.value("wait", json());
  const json instances = wait.is_object() ? wait.value("instances", json()) : json();
  if (!instances.is_array() || instances.empty()) return stand;
  stand.wait = ReturnWait{text_in(wait, "stage"), {}, number_in(wait, "until", 0)};
  for (const json& each : instances)
    if (const std::string service = text_in(each, "service"), site = text_in(each, "site");
        !service.empty() && !site.empty())
      stand.wait->instances.push_back({text_in(each, "host"), site, service, text_in(each, "role"), true});
  if (stand.wait->instances.empty()) stand.wait.reset();
  return stand;
}

}  // namespace blackstart
