// SPDX-License-Identifier: Apache-2.0
#include "injector/record/marks.h"

#include <algorithm>
#include <iterator>

#include <nlohmann/json.hpp>

#include "agents/language/nearest.h"

namespace blackstart {
namespace {

using nlohmann::json;

std::vector<OutcomeMark> marks_in(const std::vector<json>& lines) {
  std::vector<OutcomeMark> marks;
  for (const json& line : lines) {
    const auto mark = line.find("mark");
    if (mark == line.end() || !mark->is_string()) continue;
    marks.push_back(
        {*mark, number_in(line, "at", unix_now()), text_in(line, "source"), text_in(line, "note")});
  }
  return marks;
}

}  // namespace

Result<> check_milestone(const std::string& mark) {
  const std::vector<std::string> known(std::begin(kMilestones), std::end(kMilestones));
  if (std::find(known.begin(), known.end(), mark) != known.end()) return {};
  std::string hint;
  if (const auto close = nearest(mark, known)) hint = "did you mean " + *close + "? ";
  std::string names;
  for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
  return fail(ErrorKind::kInvalid, "mark", mark, 0,
              hint + "milestones are " + names + "; --custom takes any other name");
}

Result<> say_mark(const std::string& file, const OutcomeMark& mark) {
  const auto said =
      say_line(file, {{"mark", mark.mark}, {"at", mark.at}, {"source", mark.source}, {"note", mark.note}});
  if (!said) return tl::unexpected(said.error());
  if (!*said)
    return fail(ErrorKind::kRefused, "mark " + mark.mark, "", 0, "the run is over: its record is closed");
  return {};
}

Result<MarksTaken> MarksTaken::open(const std::string& file) {
  auto lines = SaidLines::open(file);
  if (!lines) return tl::unexpected(lines.error());
  return MarksTaken(std::move(*lines));
}

std::vector<OutcomeMark> MarksTaken::take() {
  return marks_in(lines_.take());
}

std::vector<OutcomeMark> MarksTaken::close() {
  return marks_in(lines_.close());
}

}  // namespace blackstart
