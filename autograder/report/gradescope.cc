#include "autograder/report/gradescope.h"

#include <cmath>
#include <cstddef>
#include <string>

#include "autograder/report/text_report.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {
namespace {

using Json = nlohmann::ordered_json;

Json TestOf(const TaskMark& task, const CheckMark& mark, std::size_t number) {
  return {{"score", mark.points},
          {"max_score", mark.check->points},
          {"status", mark.Passed() ? "passed" : "failed"},
          {"name", fmt::format("{}: {}", task.task->title, mark.check->title)},
          {"number", fmt::format("{}.{}", task.task->id, number)},
          {"output", CheckText(mark)},
          {"visibility", "visible"}};
}

Json HiddenTest(const Report& report) {
  return {{"score", 0},
          {"max_score", 0},
          {"status", "passed"},
          {"name", "For the instructor"},
          {"output", InstructorText(report)},
          {"visibility", "hidden"}};
}

// What concerns no single check.
std::string Overview(const Report& report) {
  std::string output;
  for (const std::string& notice : report.notices) output += notice + "\n";
  for (const PartMark& part : report.marks.parts) {
    if (!part.trouble.empty()) {
      output += part.part->title + " could not be run:\n" + part.trouble + "\n";
    }
  }
  return output;
}

}  // namespace

std::string GradescopeJson(const Report& report) {
  Json tests = Json::array();
  for (const PartMark& part : report.marks.parts) {
    for (const TaskMark& task : part.tasks) {
      std::size_t number = 0;
      for (const CheckMark& mark : task.checks) {
        tests.push_back(TestOf(task, mark, ++number));
      }
    }
  }
  tests.push_back(HiddenTest(report));
  const Json results = {{"score", report.marks.Points()},
                        {"execution_time", std::lround(report.build_seconds +
                                                       report.check_seconds)},
                        {"output", Overview(report)},
                        {"visibility", "visible"},
                        {"tests", tests}};
  return results.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace kvlab::grading
