// CSV whose other bytes stay as they are: a platform's file goes back to it
// with one column filled in. Source: RFC 4180; besides, the separators ; and
// tab, any line end, and a byte order mark, as spreadsheets and platforms write
// them.
#ifndef KVLAB_AUTOGRADER_CLASS_CSV_H_
#define KVLAB_AUTOGRADER_CLASS_CSV_H_

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvlab::grading {

struct CsvField {
  std::string text;  // without the quotes
  // Its bytes in the file, with the quotes.
  std::size_t begin = 0;
  std::size_t end = 0;
  bool quoted = false;
};

struct CsvRow {
  std::vector<CsvField> fields;
  std::size_t line = 0;  // where it begins, from 1

  // "" if the row is too short.
  const std::string& Text(std::size_t column) const;
};

// Where a field is: its row, 0 for the first below the head, and its column.
struct CsvPlace {
  std::size_t row = 0;
  std::size_t column = 0;

  auto operator<=>(const CsvPlace&) const = default;
};

class CsvFile {
 public:
  // Throws DataError, starting with `source` and naming the line, unless
  // `bytes` are UTF-8 without NUL, every quote is closed, and no text follows a
  // closing quote. Empty lines are kept and are not rows.
  static CsvFile Parse(std::string bytes, const std::string& source);

  // The same from a file of at most 64 MiB.
  static CsvFile Read(const std::filesystem::path& file);

  // The names of the columns; empty if the file is.
  const CsvRow& Head() const { return head_; }
  // The rows below it.
  const std::vector<CsvRow>& Rows() const { return rows_; }
  const std::string& Bytes() const { return bytes_; }

  // The column of that name. Throws DataError if two have it.
  std::optional<std::size_t> Column(std::string_view name) const;

  // The file's bytes with these fields replaced, and no other byte changed. A
  // replaced field is in quotes if it was before, or if its text needs them.
  // Throws DataError, naming the line, if a row has no such column.
  std::string With(const std::map<CsvPlace, std::string>& texts) const;

 private:
  std::string source_;
  std::string bytes_;
  char separator_ = ',';
  CsvRow head_;
  std::vector<CsvRow> rows_;
};

// One line, ended by "\n", of fields that are quoted where necessary. A field
// that a spreadsheet would take for a formula, since it begins with = + - @ or
// a control character, gets an apostrophe in front.
// Source: OWASP, "CSV Injection".
std::string CsvLine(std::span<const std::string> fields);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_CSV_H_
