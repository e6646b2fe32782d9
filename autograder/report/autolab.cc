#include "autograder/report/autolab.h"

#include <cmath>
#include <string>

#include "autograder/report/check_rows.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {

namespace {

using Json = nlohmann::ordered_json;

// A check of speed has a column also if it measured nothing: columns are
// counted.
bool MeasuresSpeed(const CheckRow& row) {
  return row.mark->check->run == "speed.cached_generation";
}

double Speedup(const CheckRow& row) {
  const auto& speedups = row.mark->measurements.speedups;
  return speedups.empty() ? 0 : std::round(speedups.back().median * 10) / 10;
}

}  // namespace

std::string AutolabLine(const Report& report) {
  Json scores = Json::object();
  for (const PartMark& part : report.marks.parts) {
    scores[ShortTitle(part)] = part.Points();
  }
  Json scoreboard = {report.Points()};
  for (const CheckRow& row : CheckRows(report)) {
    if (MeasuresSpeed(row)) scoreboard.push_back(Speedup(row));
  }
  const Json result = {{"scores", scores}, {"scoreboard", scoreboard}};
  return result.dump() + "\n";
}

}  // namespace kvlab::grading
