#include "autograder/report/gradescope.h"

#include <cmath>
#include <string>
#include <vector>

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

constexpr const char* kFormat = "text";  // nothing in it is rendered

Json Tags(const CheckRow& row) {
  Json tags = {ShortTitle(*row.part)};
  if (!row.mark->run) tags.push_back("not run");
  if (row.mark->blocked) tags.push_back("could not be judged");
  if (!row.mark->follows.empty()) tags.push_back("consequence");
  return tags;
}

// Numbers that an instructor may want to add up over a class.
Json Numbers(const Measurements& measurements) {
  Json numbers = Json::object();
  for (const SpeedupMeasurement& speedup : measurements.speedups) {
    numbers["speedups"].push_back(
        {{"new_tokens", speedup.new_tokens},
         {"pairs", speedup.pairs},
         {"median", Written(speedup.median)},
         {"least", Written(speedup.least)},
         {"most", Written(speedup.most)},
         {"reference", Written(speedup.reference)},
         {"of_reference", Written(speedup.of_reference)},
         {"met", SpeedRuleName(speedup.met)}});
  }
  for (const CacheMemoryMeasurement& memory : measurements.cache_memory) {
    numbers["cache_memory"].push_back(
        {{"batch", memory.batch},
         {"formula_mib", Written(memory.formula_mib)},
         {"measured_mib", Written(memory.samples.back().mib)}});
  }
  return numbers;
}

Json TestOf(const CheckRow& row) {
  Json extra = {{"check", row.mark->check->name},
                {"seconds", Written(row.mark->seconds)}};
  extra.update(Numbers(row.mark->measurements));
  return {{"score", Written(row.mark->points)},
          {"max_score", row.mark->check->points},
          {"status", row.mark->Passed() ? "passed" : "failed"},
          {"name", row.Name()},
          {"name_format", kFormat},
          {"number", row.Number()},
          {"output", Printable(TextOf(row))},
          {"output_format", kFormat},
          {"tags", Tags(row)},
          {"visibility", "visible"},
          {"extra_data", extra}};
}

double Rounded(double number) { return std::round(number * 10) / 10; }

// Submissions without a measurement are not on it.
Json Leaderboard(const Report& report) {
  Json columns = Json::array();
  const Measurements all = AllMeasurements(report);
  for (const SpeedupMeasurement& speedup : all.speedups) {
    columns.push_back(
        {{"name", fmt::format("Speedup, {} tokens", speedup.new_tokens)},
         {"value", Rounded(speedup.median)},
         {"order", "desc"}});
  }
  for (const CacheMemoryMeasurement& memory : all.cache_memory) {
    columns.push_back(
        {{"name", fmt::format("Cache memory (MiB), batch {}", memory.batch)},
         {"value", Rounded(memory.samples.back().mib)},
         {"order", "asc"}});
  }
  return columns;
}

std::string Results(const Report& report) {
  Json tests = Json::array();
  for (const CheckRow& row : CheckRows(report)) tests.push_back(TestOf(row));
  // The total, since Gradescope would add the tests up as floating-point
  // numbers.
  Json results = {{"score", report.Points()},
                  {"execution_time",
                   std::lround(report.build_seconds + report.check_seconds)},
                  {"output", Printable(Overview(report))},
                  {"output_format", kFormat},
                  {"test_output_format", kFormat},
                  {"test_name_format", kFormat},
                  {"visibility", "visible"},
                  {"stdout_visibility", "hidden"},
                  {"extra_data", {{"submission", Printable(report.name)}}},
                  {"tests", tests},
                  {"leaderboard", Leaderboard(report)}};
  return results.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string GradescopeJson(const Report& report) {
  return WithinBytes(AuthorsView(report).Visible(), kMostReportBytes, Results);
}

}  // namespace kvlab::grading
