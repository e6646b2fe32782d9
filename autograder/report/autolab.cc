#include "autograder/report/autolab.h"

#include <cmath>
#include <string>

#include "autograder/report/authors_view.h"
#include "autograder/report/check_rows.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {

namespace {

using Json = nlohmann::ordered_json;

// A speed check has a column even if it measured nothing: Autolab goes by
// position.
bool MeasuresSpeed(const CheckRow& row) {
  return row.mark->check->run == "speed.cached_generation";
}

double Speedup(const CheckRow& row) {
  const auto& speedups = row.mark->measurements.speedups;
  return speedups.empty() ? 0 : std::round(speedups.back().median * 10) / 10;
}

std::string Line(const Report& report) {
  Json scores = Json::object();
  const double factor = report.lateness ? report.lateness->factor : 1;
  CountedPoints counted(report.marks.most_bonus);
  for (const PartMark& part : report.marks.parts) {
    // A part with nothing to show yet is left out.
    if (part.part->Points() == 0) continue;
    scores[ShortTitle(part)] =
        Written(counted.Of(*part.part, part.Points()) * factor);
  }
  Json scoreboard = {report.Points()};
  for (const CheckRow& row : CheckRows(report)) {
    if (MeasuresSpeed(row)) scoreboard.push_back(Speedup(row));
  }
  const Json result = {{"scores", scores}, {"scoreboard", scoreboard}};
  return result.dump() + "\n";
}

}  // namespace

std::string AutolabLine(const Report& report) {
  return Line(AuthorsView(report).Visible());
}

}  // namespace kvlab::grading
