#include "autograder/report/github_classroom.h"

#include <string>

#include "autograder/report/check_rows.h"
#include "autograder/report/legible.h"
#include "autograder/report/text_report.h"
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

Json TestOf(const CheckRow& row) {
  return {{"name", fmt::format("{} {}", row.Number(), row.Name())},
          {"status", StatusOf(row)},
          {"score", row.mark->points},
          {"message", Barred(Legible(CheckText(*row.mark)))},
          {"test_code", row.mark->check->asked},
          {"filename", ""},
          {"line_no", 0},
          {"execution_time", fmt::format("{:.3f}s", row.mark->seconds)}};
}

}  // namespace

std::string GithubClassroomJson(const Report& report) {
  std::string status = "pass";
  Json tests = Json::array();
  for (const CheckRow& row : CheckRows(report)) {
    tests.push_back(TestOf(row));
    const std::string of_test = StatusOf(row);
    if (of_test == "error" || (of_test == "fail" && status == "pass")) {
      status = of_test;
    }
  }
  const Json results = {{"version", 1},
                        {"status", status},
                        {"max_score", report.marks.MaxPoints()},
                        {"tests", tests}};
  return results.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace kvlab::grading
