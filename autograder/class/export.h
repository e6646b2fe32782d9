// What goes out of a class: marks for platforms, tables, and reports.
#ifndef KVLAB_AUTOGRADER_CLASS_EXPORT_H_
#define KVLAB_AUTOGRADER_CLASS_EXPORT_H_

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "autograder/class/class_marks.h"
#include "autograder/class/platform_csv.h"
#include "autograder/class/roster.h"

namespace kvlab::grading {

// How people are called in what is exported: by id, or by pseudonyms.
class ExportNames {
 public:
  // By id.
  ExportNames() = default;
  // By a text made of the class's secret and the id: the same in every export
  // of a class, and not to be guessed from an id without the secret.
  explicit ExportNames(std::string secret) : secret_(std::move(secret)) {}

  bool Anonymous() const { return !secret_.empty(); }
  std::string Of(const Person& person) const;

  // The text with the person's id, name and e-mail address replaced, if names
  // are pseudonyms.
  std::string Without(const Person& person, std::string text) const;

 private:
  std::string secret_;
};

struct FilledColumn {
  std::string csv;
  std::size_t filled = 0;
  // A line each: whose cells stay as they were, and why.
  std::vector<std::string> left;
};

// The platform's file with the points of each person in one column, and no
// other byte changed. A cell stays as it was if its person is not on the
// roster, has no mark, or one that is provisional. Numbers have the decimal
// comma if the file's other numbers have.
//   column: its name; for Canvas it may lack the number in parentheses at its
//           end. "" is "Grade", for Moodle.
// Throws DataError if there is no such column, two may be meant, or two rows
// are about one person.
FilledColumn FillColumn(const PlatformCsv& platform, const std::string& column,
                        const Roster& roster,
                        std::span<const PersonMarks> marks);

// student,check,points,of,blocked,override: a line for each check of each
// person that has a mark. No cell is a formula.
std::string LongCsv(std::span<const PersonMarks> marks,
                    const ExportNames& names);

// With the columns that Gradescope's own "Download Grades" has.
std::string GradescopeCsv(std::span<const PersonMarks> marks);

// The reports of each person that has a mark, in a folder of `out` named by
// their id; see WriteReports. Ids that would make the same folder, or none, get
// names of their own. Returns the number of folders. Throws
// std::runtime_error if writing fails.
std::size_t WriteClassReports(std::span<const PersonMarks> marks,
                              const ExportNames& names,
                              const std::filesystem::path& out);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_EXPORT_H_
