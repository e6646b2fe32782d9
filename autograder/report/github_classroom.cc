#include "autograder/report/github_classroom.h"

#include <string>

#include "autograder/report/authors_view.h"
#include "autograder/report/check_rows.h"
#include "autograder/report/text_report.h"
#include "autograder/text/printable.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {
namespace {

using Json = nlohmann::ordered_json;

std::string StatusOf(const CheckRow& row) {
  if (row.mark->Passed()) return "pass";
  return row.part->trouble.empty() ? "fail" : "error";
}

// Each line but the first begins with a bar.
std::string Barred(const std::string& text) {
  std::string barred;
  for (const char letter : text) {
    barred += letter;
    if (letter == '\n') barred += "| ";
  }
  return barred;
}

// `factor` is what lateness leaves of the points.
Json TestOf(const CheckRow& row, double factor) {
  return {{"name", fmt::format("{} {}", row.Number(), row.Name())},
          {"status", StatusOf(row)},
          {"score", row.mark->points * factor},
          {"message", Barred(Printable(CheckText(*row.mark)))},
          {"test_code", row.mark->check->asked},
          {"filename", ""},
          {"line_no", 0},
          {"execution_time", fmt::format("{:.3f}s", row.mark->seconds)}};
}

// One test for all that is not shown: its points belong to the sum.
Json ConcealedTest(const AuthorsView& author, double factor) {
  const bool all = author.ConcealedPoints() == author.ConcealedMaxPoints();
  return {{"name", "checks that are not shown yet"},
          {"status", all ? "pass" : "fail"},
          {"score", author.ConcealedPoints() * factor}};
}

// The worst of the tests'.
std::string StatusOf(const Json& tests) {
  std::string status = "pass";
  for (const Json& test : tests) {
    if (test.at("status") == "error") return "error";
    if (test.at("status") == "fail") status = "fail";
  }
  return status;
}

}  // namespace

std::string GithubClassroomJson(const Report& report) {
  const double factor = report.lateness ? report.lateness->factor : 1;
  const AuthorsView author(report);
  Json tests = Json::array();
  for (const CheckRow& row : CheckRows(author.Visible())) {
    tests.push_back(TestOf(row, factor));
  }
  if (author.ConcealsAny()) tests.push_back(ConcealedTest(author, factor));
  const Json results = {{"version", 1},
                        {"status", StatusOf(tests)},
                        {"max_score", report.marks.MaxPoints()},
                        {"tests", tests}};
  return results.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace kvlab::grading
