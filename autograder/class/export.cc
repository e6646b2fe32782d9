#include "autograder/class/export.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograder/class/class_marks.h"
#include "autograder/class/csv.h"
#include "autograder/class/gradebook.h"
#include "autograder/class/platform_csv.h"
#include "autograder/class/roster.h"
#include "autograder/machine/digest/digest.h"
#include "autograder/machine/submission/submission_names.h"
#include "autograder/machine/text/printable.h"
#include "autograder/report/report.h"
#include "autograder/report/write_reports.h"
#include "autograder/scoring/marks.h"
#include "fmt/format.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

// "KV cache" for "KV cache (4711)".
std::string_view WithoutNumber(std::string_view name) {
  const std::size_t open = name.rfind(" (");
  if (open == std::string_view::npos || !name.ends_with(')')) return name;
  const std::string_view number = name.substr(open + 2, name.size() - open - 3);
  const bool is_number =
      !number.empty() &&
      number.find_first_not_of("0123456789") == std::string_view::npos;
  return is_number ? name.substr(0, open) : name;
}

std::size_t ColumnNamed(const PlatformCsv& platform, std::string name) {
  if (name.empty() && platform.Kind() == Platform::kMoodle) name = "Grade";
  if (name.empty()) {
    throw DataError("Canvas's gradebook has a column for each assignment",
                    "one of them is to be filled",
                    "name it: --column \"KV cache\"");
  }
  if (const auto exact = platform.Csv().Column(name)) return *exact;
  std::vector<std::size_t> found;
  const std::vector<CsvField>& head = platform.Csv().Head().fields;
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (WithoutNumber(head[i].text) == name) found.push_back(i);
  }
  if (found.size() == 1) return found.front();
  throw DataError(
      fmt::format("{} column{} called '{}'", found.empty() ? "no" : "several",
                  found.empty() ? " is" : "s are", PrintableLine(name)),
      "exactly one is to be filled",
      "write it as the first line of the file does, with its number");
}

// Whether the file's numbers have a decimal comma: "100,00".
bool HasDecimalCommas(const CsvFile& csv) {
  const auto column = csv.Column("Maximum Grade");
  return column && std::ranges::any_of(csv.Rows(), [&](const CsvRow& row) {
           return row.Text(*column).find(',') != std::string::npos;
         });
}

std::string WhyNoMark(const PersonMarks& marks) {
  if (!marks.attempt) return "handed in nothing";
  if (!marks.failure.empty()) return "the grader failed";
  if (!marks.IsGraded()) return "not graded yet";
  return fmt::format("provisional: {} points could not be judged",
                     NumberText(marks.Graded().marks.BlockedPoints()));
}

const Override* OverrideOf(const PersonMarks& marks, const PartMark& part,
                           const CheckMark& mark) {
  for (const Override& change : marks.overrides) {
    if (change.check == mark.check->name ||
        change.check == part.part->title + '/' + mark.check->name) {
      return &change;
    }
  }
  return nullptr;
}

// Replaces every occurrence.
void Replace(std::string& text, const std::string& what,
             const std::string& with) {
  constexpr std::size_t kShortest = 3;  // less would hit other words
  if (what.size() < kShortest) return;
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

// Only what a submission or its folder may have put there.
void Anonymize(Report& report, const Person& person, const ExportNames& names) {
  report.answered_as.clear();
  const auto clean = [&](std::string& text) {
    text = names.Without(person, std::move(text));
  };
  std::ranges::for_each(report.notices, clean);
  for (PartMark& part : report.marks.parts) {
    clean(part.trouble);
    for (TaskMark& task : part.tasks) {
      for (CheckMark& mark : task.checks) {
        clean(mark.came_back);
        clean(mark.measured);
      }
    }
  }
}

}  // namespace

std::string ExportNames::Of(const Person& person) const {
  if (!Anonymous()) return person.id;
  constexpr std::size_t kDigits = 12;
  return "student-" + Sha256(secret_ + '\n' + person.id).substr(0, kDigits);
}

std::string ExportNames::Without(const Person& person, std::string text) const {
  if (!Anonymous()) return text;
  for (const std::string& known :
       {person.email, person.id, person.name, person.platform_id}) {
    Replace(text, known, Of(person));
  }
  return text;
}

FilledColumn FillColumn(const PlatformCsv& platform, const std::string& column,
                        const Roster& roster,
                        std::span<const PersonMarks> marks) {
  const std::size_t place = ColumnNamed(platform, column);
  const bool commas = HasDecimalCommas(platform.Csv());
  std::map<const Person*, const PersonMarks*> by_person;
  for (const PersonMarks& each : marks) by_person[each.person] = &each;
  std::map<CsvPlace, std::string> texts;
  std::set<const Person*> seen;
  FilledColumn filled;
  for (const PlatformRow& row : platform.Rows(roster)) {
    if (row.found.person == nullptr) {
      filled.left.push_back(row.shown + ": " + row.found.problem);
      continue;
    }
    const std::string id = PrintableLine(row.found.person->id);
    if (!seen.insert(row.found.person).second) {
      throw DataError(fmt::format("two rows are about '{}'", id),
                      "one of them would get a mark of someone else",
                      "export the file again, or correct the roster");
    }
    const PersonMarks& person = *by_person.at(row.found.person);
    if (!person.IsFinal()) {
      filled.left.push_back(id + ": " + WhyNoMark(person));
      continue;
    }
    std::string number = NumberText(person.Graded().Points());
    if (commas) std::ranges::replace(number, '.', ',');
    texts[{row.row, place}] = std::move(number);
  }
  for (const PersonMarks& each : marks) {
    if (!seen.contains(each.person)) {
      filled.left.push_back(PrintableLine(each.person->id) +
                            ": not in the platform's file");
    }
  }
  filled.filled = texts.size();
  filled.csv = platform.Csv().With(texts);
  return filled;
}

std::string LongCsv(std::span<const PersonMarks> marks,
                    const ExportNames& names) {
  static const std::array<std::string, 6> head = {
      "student", "check", "points", "of", "blocked", "override"};
  std::string csv = CsvLine(head);
  for (const PersonMarks& each : marks) {
    if (!each.IsGraded()) continue;
    for (const PartMark& part : each.Graded().marks.parts) {
      for (const TaskMark& task : part.tasks) {
        for (const CheckMark& mark : task.checks) {
          const Override* change = OverrideOf(each, part, mark);
          const std::array<std::string, 6> fields = {
              names.Of(*each.person),
              mark.check->name,
              mark.blocked ? "" : NumberText(mark.points),
              NumberText(mark.check->points),
              mark.blocked ? "yes" : "",
              change == nullptr ? ""
                                : names.Without(*each.person, change->why)};
          csv += CsvLine(fields);
        }
      }
    }
  }
  return csv;
}

std::string GradescopeCsv(std::span<const PersonMarks> marks) {
  static const std::array<std::string, 7> head = {
      "Name",       "SID",    "Email",          "Total Score",
      "Max Points", "Status", "Submission Time"};
  std::string csv = CsvLine(head);
  for (const PersonMarks& each : marks) {
    std::array<std::string, 7> fields = {each.person->name,
                                         each.person->id,
                                         each.person->email,
                                         "",
                                         "",
                                         each.attempt ? "Ungraded" : "Missing",
                                         ""};
    if (each.attempt && each.attempt->submitted_at) {
      fields[6] = IsoText(*each.attempt->submitted_at);
    }
    if (each.IsFinal()) {
      fields[3] = NumberText(each.Graded().Points());
      fields[4] = NumberText(each.Graded().marks.MaxPoints());
      fields[5] = "Graded";
    }
    csv += CsvLine(fields);
  }
  return csv;
}

std::size_t WriteClassReports(std::span<const PersonMarks> marks,
                              const ExportNames& names, const fs::path& out) {
  std::vector<fs::path> wanted;
  for (const PersonMarks& each : marks) {
    // One part of a path whatever the id is, ".." too: the ending is removed.
    std::string name = names.Of(*each.person);
    std::ranges::replace(name, '/', '_');
    wanted.push_back(fs::path("/students") / (name + ".zip"));
  }
  const std::vector<std::string> folders = SubmissionNames(wanted);
  std::size_t written = 0;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const PersonMarks& each = marks[i];
    if (!each.IsGraded()) continue;
    Report report = each.Graded();
    report.name = names.Of(*each.person);
    if (names.Anonymous()) Anonymize(report, *each.person, names);
    WriteReports(report, out / folders[i]);
    ++written;
  }
  return written;
}

}  // namespace kvlab::grading
