// What learning platforms export. The first byte chooses the kind of file:
//   c  a CSV of people and marks, or a roster
//   g  Gradescope's submission_metadata.yml
//   n  names of files in an archive, one in a line
#include <cstddef>
#include <cstdint>
#include <map>
#include <sstream>
#include <string>

#include "autograder/class/csv.h"
#include "autograder/class/gradescope_metadata.h"
#include "autograder/class/platform_csv.h"
#include "autograder/class/platform_names.h"
#include "autograder/class/roster.h"
#include "autograder/proof/fuzz/require.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

// A filled column can be read again, and everything else is as it was.
void FillIn(const CsvFile& file) {
  Require(file.With({}) == file.Bytes(), "no change changes no byte");
  std::map<CsvPlace, std::string> texts;
  for (std::size_t i = 0; i < file.Rows().size(); ++i) texts[{i, 0}] = "87.5";
  const CsvFile again = CsvFile::Parse(file.With(texts), "again");
  Require(again.Rows().size() == file.Rows().size(), "as many rows");
  for (std::size_t i = 0; i < file.Rows().size(); ++i) {
    const CsvRow& before = file.Rows()[i];
    const CsvRow& after = again.Rows()[i];
    Require(after.fields.size() == before.fields.size(), "as many fields");
    Require(after.Text(0) == "87.5", "the field is filled in");
    for (std::size_t column = 1; column < before.fields.size(); ++column) {
      Require(after.Text(column) == before.Text(column), "others stay");
    }
  }
}

template <typename Function>
void Refusable(const Function& read) {
  try {
    read();
  } catch (const DataError&) {
    // refused, with a reason
  }
}

void ReadCsv(const std::string& text) {
  Refusable([&] { FillIn(CsvFile::Parse(text, "file")); });
  Refusable([&] {
    const Roster roster =
        Roster::Parse(CsvFile::Parse(text, "roster"), "roster");
    for (const Person& person : roster.People()) {
      Require(roster.Find(person.id).person == &person, "an id finds its row");
    }
  });
  Refusable([&] {
    const Roster roster = Roster::Parse(
        CsvFile::Parse("id,email\nann,a@example.org\nbob,\n", "r"), "r");
    const PlatformCsv platform(CsvFile::Parse(text, "file"), "file");
    for (const PlatformRow& row : platform.Rows(roster)) {
      Require((row.found.person == nullptr) != row.found.problem.empty(),
              "a person, or why not");
    }
  });
}

void ReadNames(const std::string& text) {
  std::istringstream lines(text);
  for (std::string name; std::getline(lines, name);) {
    if (const auto canvas = ParseCanvasName(name)) {
      Require(!canvas->user.empty() && !canvas->file.empty(), "both are there");
      Require(canvas->file.find('/') == std::string::npos, "not a path");
    }
    if (const auto moodle = ParseMoodleName(name)) {
      Require(!moodle->participant.empty() && !moodle->file.empty(),
              "both are there");
    }
    ArchiveStem(name);
  }
}

}  // namespace
}  // namespace kvlab::grading

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const std::string text(data + 1, data + size);
  switch (*data) {
    case 'c':
      kvlab::grading::ReadCsv(text);
      break;
    case 'g':
      kvlab::grading::Refusable(
          [&] { kvlab::grading::ParseGradescopeMetadata(text, "file"); });
      break;
    case 'n':
      kvlab::grading::ReadNames(text);
      break;
    default:
      break;
  }
  return 0;
}
