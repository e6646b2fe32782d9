#include "autograder/report/classroom50.h"

#include <cmath>
#include <string>

#include "autograder/machine/text/printable.h"
#include "autograder/report/authors_view.h"
#include "autograder/report/check_rows.h"
#include "autograder/report/sizes.h"
#include "autograder/report/text_report.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {
namespace {

using Json = nlohmann::ordered_json;

long Units(double points) { return std::lround(points * kClassroom50Unit); }

// Whole numbers whose sum is the rounded total: each is the increase of the
// rounded running sum.
class Adder {
 public:
  explicit Adder(double factor) : factor_(factor) {}

  long Add(double points) {
    points_ += points;
    const long before = units_;
    units_ = Units(points_ * factor_);
    return units_ - before;
  }
  long Sum() const { return units_; }

 private:
  double factor_;
  double points_ = 0;
  long units_ = 0;
};

std::string Result(const Report& report) {
  Adder scores(report.lateness ? report.lateness->factor : 1);
  // With all of the bonus: no score may be more than its maximum.
  Adder most(1);
  CountedPoints counted(report.marks.most_bonus);
  Json tests = Json::array();
  for (const CheckRow& row : CheckRows(report)) {
    tests.push_back(
        {{"test-name", fmt::format("{} {}", row.Number(), row.Name())},
         {"passed", row.mark->Passed()},
         {"score", scores.Add(counted.Of(*row.part->part, row.mark->points))},
         {"max-score", most.Add(row.mark->check->points)},
         {"output", Printable(TextOf(row))}});
  }
  const Json result = {{"schema", "classroom50/result/v1"},
                       {"score", scores.Sum()},
                       {"max-score", most.Sum()},
                       {"tests", tests}};
  return result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string Classroom50Json(const Report& report) {
  return WithinBytes(AuthorsView(report).Visible(), kMostReportBytes, Result);
}

}  // namespace kvlab::grading
