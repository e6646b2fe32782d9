#include "autograder/class/page/class_checks.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <regex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autograder/class/class_marks.h"
#include "autograder/class/gradebook.h"
#include "autograder/machine/text/printable.h"
#include "autograder/report/check_rows.h"
#include "autograder/report/report.h"
#include "autograder/scoring/marks.h"

namespace kvlab::grading {
namespace {

bool IsOverridden(const PersonMarks& person, const CheckRow& row) {
  return std::ranges::any_of(person.overrides, [&](const Override& change) {
    return change.check == row.mark->check->name ||
           change.check == row.part->part->title + '/' + row.mark->check->name;
  });
}

// What is known of a check while the people are gone through.
struct Gathered {
  ClassCheck check;
  std::map<std::string, std::size_t> failures;
  std::vector<double> seconds;
};

void Gather(const PersonMarks& person, const CheckRow& row, std::size_t place,
            Gathered& to) {
  const CheckMark& mark = *row.mark;
  if (IsOverridden(person, row)) {
    ++to.check.overridden;
    return;
  }
  if (mark.blocked) {
    ++to.check.blocked;
    return;
  }
  const double most = mark.check->points;
  const double share = most > 0 ? mark.points / most : (mark.run ? 1 : 0);
  to.check.scores.shares[place] = std::clamp(share, 0.0, 1.0);
  if (mark.run) to.seconds.push_back(mark.seconds);
  if (mark.Passed()) return;
  const std::string came_back =
      mark.came_back.empty() ? row.part->trouble : mark.came_back;
  const std::string kind = FailureKind(came_back);
  ++to.failures[(mark.run ? "" : "not run: ") + kind];
}

ClassCheck Finished(Gathered gathered) {
  ClassCheck& check = gathered.check;
  for (const auto& [failure, count] : gathered.failures) {
    if (count <= check.failed_so) continue;
    check.failure = failure;
    check.failed_so = count;
  }
  for (const double seconds : gathered.seconds) check.all_seconds += seconds;
  check.median_seconds = MedianOf(std::move(gathered.seconds));
  return std::move(check);
}

}  // namespace

std::vector<ClassCheck> ChecksOf(std::span<const PersonMarks> people) {
  std::vector<Gathered> gathered;
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < people.size(); ++i) {
    if (!people[i].IsGraded()) continue;
    for (const CheckRow& row : CheckRows(people[i].Graded())) {
      const std::string key =
          row.part->part->title + '/' + row.mark->check->name;
      const auto [place, is_new] = places.emplace(key, gathered.size());
      if (is_new) {
        ClassCheck& check = gathered.emplace_back().check;
        check.name = row.mark->check->name;
        check.title = row.Name();
        check.part = ShortTitle(*row.part);
        check.scores.points = row.mark->check->points;
        check.scores.shares.resize(people.size());
      }
      Gather(people[i], row, i, gathered[place->second]);
    }
  }
  std::vector<ClassCheck> checks;
  checks.reserve(gathered.size());
  for (Gathered& each : gathered) checks.push_back(Finished(std::move(each)));
  return checks;
}

std::string FailureKind(const std::string& came_back) {
  static const std::regex number("[0-9]+([.][0-9]+)?");
  constexpr std::size_t kLongest = 160;
  constexpr std::size_t kMostBytes = 1000;
  const std::string line =
      came_back.substr(0, std::min(came_back.find('\n'), kMostBytes));
  return Shortened(PrintableLine(std::regex_replace(line, number, "#")),
                   kLongest);
}

double MedianOf(std::vector<double> numbers) {
  if (numbers.empty()) return 0;
  std::ranges::sort(numbers);
  const std::size_t half = numbers.size() / 2;
  return numbers.size() % 2 == 1 ? numbers[half]
                                 : (numbers[half - 1] + numbers[half]) / 2;
}

}  // namespace kvlab::grading
