// A table of people and marks that Canvas or Moodle exported.
#ifndef KVLAB_AUTOGRADER_CLASS_PLATFORM_CSV_H_
#define KVLAB_AUTOGRADER_CLASS_PLATFORM_CSV_H_

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/class/csv.h"
#include "autograder/class/roster.h"

namespace kvlab::grading {

enum class Platform { kCanvas, kMoodle };

// A row about a person, and the person.
struct PlatformRow {
  std::size_t row = 0;  // of CsvFile::Rows()
  std::string number;   // Canvas's number of the person, Moodle's participant
  std::string shown;    // the name, for messages
  PersonFound found;
};

class PlatformCsv {
 public:
  // Throws DataError, starting with the file's name, unless it has the columns
  // of Canvas's gradebook or of Moodle's grading worksheet.
  explicit PlatformCsv(const std::filesystem::path& file);
  PlatformCsv(CsvFile csv, const std::string& source);

  Platform Kind() const { return kind_; }
  const CsvFile& Csv() const { return csv_; }

  // Each row about a person, found by what identifies people there: an id or
  // an address, never a name. Canvas's lines of possible points and of its
  // test student are left out.
  std::vector<PlatformRow> Rows(const Roster& roster) const;

 private:
  CsvFile csv_;
  Platform kind_ = Platform::kCanvas;
  std::size_t number_column_ = 0;
  std::size_t name_column_ = 0;
  std::vector<std::size_t> key_columns_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_PLATFORM_CSV_H_
