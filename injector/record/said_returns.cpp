// SPDX-License-Identifier: Apache-2.0
#include "injector/record/said_returns.h"

#include <fstream>
#include <set>

#include "agents/language/nearest.h"
#include "injector/plan/returning.h"

namespace blackstart {
namespace {

using nlohmann::json;

std::vector<PlanReturn> returnable(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  const json head = json::parse(line, nullptr, false);
  std::vector<PlanReturn> list;
  if (!head.is_object() || !head.contains("instances") || !head["instances"].is_array()) return list;
  for (const json& each : head["instances"])
    if (each.is_object())
      list.push_back({text_in(each, "host"), text_in(each, "site"), text_in(each, "service"),
                      text_in(each, "role"), each.value("manual", json()) == json(true)});
  return list;
}

std::vector<SaidReturn> returns_in(const std::vector<json>& lines) {
  std::vector<SaidReturn> said;
  for (const json& line : lines)
    said.push_back({text_in(line, "what"), text_in(line, "by"), number_in(line, "at", unix_now())});
  return said;
}

Error over(const std::string& what) {
  return {ErrorKind::kRefused, "return " + what, "", 0,
          "the run has nothing down that waits for anybody: it killed nothing, or all of it is on its way"};
}

}  // namespace

Result<std::vector<PlanReturn>> say_return(const std::string& file, const SaidReturn& said) {
  const std::vector<PlanReturn> all = returnable(file);
  if (all.empty()) return tl::unexpected(over(said.what));
  std::vector<PlanReturn> meant;
  std::set<std::string> names;
  for (const PlanReturn& each : all) {
    if (goes_by(each, said.what)) meant.push_back(each);
    for (const std::string& name : {each.host, each.site, each.service, each.role})
      if (!name.empty()) names.insert(name);
  }
  if (meant.empty())
    return fail(
        ErrorKind::kInvalid, "return", said.what, 0,
        "nothing that comes back goes by this name; " + suggest(said.what, {names.begin(), names.end()}));
  const auto written = say_line(file, {{"what", said.what}, {"by", said.by}, {"at", said.at}});
  if (!written) return tl::unexpected(written.error());
  if (!*written) return tl::unexpected(over(said.what));
  return meant;
}

Result<ReturnsTaken> ReturnsTaken::open(const std::string& file, const Plan& plan) {
  json instances = json::array();
  for (const PlanStage& stage : plan.stages)
    for (const PlanReturn& each : stage.instances)
      instances.push_back({{"host", each.host},
                           {"site", each.site},
                           {"service", each.service},
                           {"role", each.role},
                           {"manual", each.manual}});
  auto lines = SaidLines::open(file, {{"instances", std::move(instances)}});
  if (!lines) return tl::unexpected(lines.error());
  return ReturnsTaken(std::move(*lines));
}

std::vector<SaidReturn> ReturnsTaken::take() {
  return returns_in(lines_.take());
}

std::vector<SaidReturn> ReturnsTaken::close() {
  return returns_in(lines_.close());
}

}  // namespace blackstart
