#include "autograder/class/class_marks.h"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograder/class/course_folder.h"
#include "autograder/class/gradebook.h"
#include "autograder/class/mark_record.h"
#include "autograder/class/roster.h"
#include "autograder/machine/text/printable.h"
#include "autograder/report/report.h"
#include "autograder/scoring/late_policy.h"
#include "autograder/scoring/marks.h"
#include "fmt/format.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

// The report says who decided, when and why; a check that passed shows what it
// measured, another what came back.
void Apply(const Override& change, Report& report) {
  CheckMark& mark = CheckNamed(report, change.check);
  const std::string was =
      mark.blocked
          ? "it could not be judged"
          : fmt::format("it had {} of {} points", NumberText(mark.points),
                        NumberText(mark.check->points));
  const std::string text =
      fmt::format("{} points by {} on {}: {}; {}", NumberText(change.points),
                  change.by, change.at.substr(0, 10), change.why, was);
  mark.run = true;
  mark.blocked = false;
  mark.alone = false;
  mark.follows.clear();
  mark.points = change.points;
  mark.measured = text;
  mark.came_back = text;
}

PersonMarks MarksOf(const Person& person, const CourseFolder& course,
                    const Gradebook& book, const std::vector<Attempt>& attempts,
                    const ProposedRecords& proposed) {
  PersonMarks marks;
  marks.person = &person;
  for (const Attempt& attempt : attempts) {
    if (attempt.student == person.id) ++marks.attempts;
  }
  const Attempt* attempt = CountingAttempt(attempts, person.id);
  if (attempt == nullptr) return marks;
  marks.attempt = *attempt;
  marks.failure = book.FailureOf(attempt->id);
  const auto instead = proposed.find(attempt->id);
  marks.record = instead == proposed.end()
                     ? book.RecordOf(attempt->id)
                     : std::optional<GradingRecord>(instead->second);
  if (!marks.record) return marks;
  marks.restored = Restore(marks.record->rubric, marks.record->marks);
  Report& report = marks.restored.report;
  report.name = person.id;
  const auto policy = PolicyFor(course.Settings(), person);
  if (policy && attempt->submitted_at) {
    report.lateness = LatenessOf(*policy, *attempt->submitted_at);
  }
  return marks;
}

}  // namespace

std::vector<PersonMarks> MarksOfClass(const CourseFolder& course,
                                      const Gradebook& book,
                                      Visibility revealed,
                                      const ProposedRecords& proposed) {
  const std::vector<Attempt> attempts = book.Attempts();
  std::map<std::string, std::vector<Override>> overrides;
  for (Override& change : book.Overrides()) {
    overrides[change.student].push_back(std::move(change));
  }
  std::vector<PersonMarks> all;
  for (const Person& person : course.People().People()) {
    PersonMarks marks = MarksOf(person, course, book, attempts, proposed);
    marks.restored.report.revealed = revealed;
    if (marks.IsGraded()) {
      for (const Override& change : overrides[person.id]) {
        Apply(change, marks.restored.report);
        marks.overrides.push_back(change);
      }
    }
    all.push_back(std::move(marks));
  }
  return all;
}

CheckMark& CheckNamed(Report& report, std::string_view name) {
  CheckMark* found = nullptr;
  std::vector<std::string> full_names;
  for (PartMark& part : report.marks.parts) {
    for (TaskMark& task : part.tasks) {
      for (CheckMark& mark : task.checks) {
        const std::string full = part.part->title + '/' + mark.check->name;
        if (full == name) return mark;
        if (mark.check->name != name) continue;
        full_names.push_back(full);
        found = &mark;
      }
    }
  }
  if (full_names.size() > 1) {
    throw DataError(
        fmt::format("'{}' is the name of several checks", PrintableLine(name)),
        "each part has its own",
        fmt::format("write '{}' or '{}'", full_names[0], full_names[1]));
  }
  if (found == nullptr) {
    throw DataError(
        fmt::format("there is no check '{}'", PrintableLine(name)),
        "the rubric that the submission was graded by has none of that name",
        "instructor.txt of an exported report lists the names");
  }
  return *found;
}

std::string NumberText(double number) {
  std::string text = fmt::format("{:.4f}", Written(number));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

}  // namespace kvlab::grading
