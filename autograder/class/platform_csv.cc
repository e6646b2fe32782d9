#include "autograder/class/platform_csv.h"

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograder/class/csv.h"
#include "autograder/class/roster.h"
#include "autograder/machine/text/printable.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

// Canvas: Instructure, "How do I export grades in the Gradebook?".
constexpr std::string_view kCanvasNumber = "ID";
constexpr std::string_view kCanvasName = "Student";
constexpr std::array<std::string_view, 3> kCanvasKeys = {"SIS User ID",
                                                         "SIS Login ID", "ID"};
// Moodle: docs.moodle.org, "Assignment grading", the offline worksheet.
constexpr std::string_view kMoodleNumber = "Identifier";
constexpr std::string_view kMoodleName = "Full name";
constexpr std::string_view kParticipant = "Participant ";
constexpr std::array<std::string_view, 4> kMoodleKeys = {
    "ID number", "Username", "Email address", "Identifier"};

std::string Trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::string WithoutParticipant(std::string text) {
  if (text.starts_with(kParticipant)) text.erase(0, kParticipant.size());
  return text;
}

// All keys of a row must name the same person, as far as they name any.
PersonFound FindByAny(const Roster& roster,
                      const std::vector<std::string>& keys) {
  std::set<const Person*> people;
  std::string ambiguous;
  for (const std::string& key : keys) {
    if (key.empty()) continue;
    const PersonFound found = roster.Find(key);
    if (found.person != nullptr) {
      people.insert(found.person);
    } else if (found.problem.starts_with("may be")) {
      ambiguous = found.problem;
    }
  }
  if (people.size() == 1) return {*people.begin(), ""};
  if (people.size() > 1) {
    std::vector<std::string> ids;
    ids.reserve(people.size());
    for (const Person* person : people) ids.push_back(person->id);
    return {nullptr, PrintableLine(fmt::format("may be any of {}",
                                               fmt::join(ids, ", ")))};
  }
  return {nullptr, ambiguous.empty() ? "is not on the roster" : ambiguous};
}

}  // namespace

PlatformCsv::PlatformCsv(const std::filesystem::path& file)
    : PlatformCsv(CsvFile::Read(file), file.string()) {}

PlatformCsv::PlatformCsv(CsvFile csv, const std::string& source)
    : csv_(std::move(csv)) {
  const bool canvas = csv_.Column(kCanvasNumber) && csv_.Column(kCanvasName);
  const bool moodle = csv_.Column(kMoodleNumber) && csv_.Column(kMoodleName);
  if (canvas == moodle) {
    throw DataError(
        source + ": neither Canvas's gradebook nor Moodle's grading worksheet",
        "the first has the columns 'Student' and 'ID', the second "
        "'Identifier' and 'Full name'",
        "export the file again, in English");
  }
  kind_ = canvas ? Platform::kCanvas : Platform::kMoodle;
  number_column_ = *csv_.Column(canvas ? kCanvasNumber : kMoodleNumber);
  name_column_ = *csv_.Column(canvas ? kCanvasName : kMoodleName);
  const auto keys = canvas ? std::span<const std::string_view>(kCanvasKeys)
                           : std::span<const std::string_view>(kMoodleKeys);
  for (const std::string_view name : keys) {
    if (const auto column = csv_.Column(name)) key_columns_.push_back(*column);
  }
}

std::vector<PlatformRow> PlatformCsv::Rows(const Roster& roster) const {
  std::vector<PlatformRow> rows;
  for (std::size_t i = 0; i < csv_.Rows().size(); ++i) {
    const CsvRow& row = csv_.Rows()[i];
    const std::string name = Trimmed(row.Text(name_column_));
    const std::string number =
        WithoutParticipant(Trimmed(row.Text(number_column_)));
    // "    Points Possible", and a line of grading schemes without a name.
    if (kind_ == Platform::kCanvas &&
        (number.empty() || name == "Points Possible" ||
         name == "Student, Test")) {
      continue;
    }
    std::vector<std::string> keys;
    for (const std::size_t column : key_columns_) {
      keys.push_back(WithoutParticipant(Trimmed(row.Text(column))));
    }
    rows.push_back({.row = i,
                    .number = number,
                    .shown = PrintableLine(name),
                    .found = FindByAny(roster, keys)});
  }
  return rows;
}

}  // namespace kvlab::grading
