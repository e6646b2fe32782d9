#include "autograder/report/prairielearn.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "autograder/machine/text/printable.h"
#include "autograder/report/authors_view.h"
#include "autograder/report/base64.h"
#include "autograder/report/check_rows.h"
#include "autograder/report/plots.h"
#include "autograder/report/sizes.h"
#include "autograder/report/text_report.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {
namespace {

using Json = nlohmann::ordered_json;

std::string Message(const CheckMark& mark) {
  if (mark.Passed()) return "passed";
  if (!mark.run) return "not run";
  return mark.points > 0 ? "passed in part" : "failed";
}

Json TestOf(const CheckRow& row) {
  return {{"name", fmt::format("{} {}", row.Number(), row.Name())},
          {"description", row.mark->check->asked},
          {"points", Written(row.mark->points)},
          {"max_points", row.mark->check->points},
          {"message", Message(*row.mark)},
          {"output", Printable(TextOf(row))}};
}

Json Image(const std::string& label, const Html& svg) {
  return {{"label", label},
          {"url", "data:image/svg+xml;base64," + Base64(svg.Markup())}};
}

Json Images(const Report& report) {
  const Measurements all = AllMeasurements(report);
  Json images = Json::array();
  if (!all.speedups.empty()) {
    images.push_back(Image("Speedup", SpeedupPlot(all.speedups)));
  }
  if (!all.cache_memory.empty()) {
    images.push_back(Image("Cache memory", MemoryPlot(all.cache_memory)));
  }
  return images;
}

Json FormatErrors(const Report& report) {
  Json errors = Json::array();
  for (const PartMark& part : report.marks.parts) {
    errors.push_back(Printable(part.part->title + ":\n" + part.trouble));
  }
  return errors;
}

double Share(const Report& report) {
  const double most = report.marks.MaxPoints();
  if (most <= 0) return 0;
  // PrairieLearn refuses more than 1, so a bonus can only make up for losses.
  // Exact for every share that a rubric is likely to use.
  constexpr double kPlaces = 1e10;
  return std::min(1.0, std::round(report.Points() / most * kPlaces) / kPlaces);
}

std::string Results(const Report& report) {
  const bool gradable = std::ranges::any_of(
      report.marks.parts,
      [](const PartMark& part) { return part.trouble.empty(); });
  Json results = {{"gradable", gradable}};
  if (gradable) {
    results["score"] = Share(report);
  } else {
    results["format_errors"] = FormatErrors(report);
  }
  results["message"] = fmt::format("{:g} of {:g} points", report.Points(),
                                   report.marks.MaxPoints());
  results["output"] = Printable(Overview(report));
  results["images"] = Images(report);
  results["tests"] = Json::array();
  for (const CheckRow& row : CheckRows(report)) {
    results["tests"].push_back(TestOf(row));
  }
  return results.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string PrairieLearnJson(const Report& report) {
  return WithinBytes(AuthorsView(report).Visible(), kMostReportBytes, Results);
}

}  // namespace kvlab::grading
