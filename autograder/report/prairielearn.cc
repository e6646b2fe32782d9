#include "autograder/report/prairielearn.h"

#include <algorithm>
#include <string>
#include <vector>

#include "autograder/report/authors_view.h"
#include "autograder/report/base64.h"
#include "autograder/report/check_rows.h"
#include "autograder/report/plots.h"
#include "autograder/report/text_report.h"
#include "autograder/text/printable.h"
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
          {"points", row.mark->points},
          {"max_points", row.mark->check->points},
          {"message", Message(*row.mark)},
          {"output", Printable(CheckText(*row.mark))}};
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
  return most > 0 ? report.Points() / most : 0;
}

}  // namespace

std::string PrairieLearnJson(const Report& report) {
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
  const AuthorsView author(report);
  results["images"] = Images(author.Visible());
  results["tests"] = Json::array();
  for (const CheckRow& row : CheckRows(author.Visible())) {
    results["tests"].push_back(TestOf(row));
  }
  return results.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace kvlab::grading
