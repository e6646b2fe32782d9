#include "autograder/class/csv.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograder/machine/text/printable.h"
#include "fmt/format.h"
#include "kit/error.h"
#include "kit/files/mapped_file.h"
#include "utf8proc.h"

namespace kvlab::grading {
namespace {

constexpr const char* kPurpose = "people and marks are read from it";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kMostBytes = std::size_t{64} << 20U;

bool IsLineEnd(char letter) { return letter == '\n' || letter == '\r'; }

bool IsUtf8(std::string_view bytes) {
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(bytes.data());
  auto left = static_cast<utf8proc_ssize_t>(bytes.size());
  while (left > 0) {
    utf8proc_int32_t letter = 0;
    const utf8proc_ssize_t size = ::utf8proc_iterate(at, left, &letter);
    if (size <= 0 || letter == 0) return false;
    at += size;
    left -= size;
  }
  return true;
}

// That which the first line has most of, outside quotes.
char SeparatorOf(std::string_view bytes) {
  static constexpr std::array<char, 3> kSeparators = {',', ';', '\t'};
  std::array<std::size_t, 3> counts{};
  bool quoted = false;
  for (const char letter : bytes) {
    if (IsLineEnd(letter)) break;
    if (letter == '"') quoted = !quoted;
    if (quoted) continue;
    for (std::size_t i = 0; i < kSeparators.size(); ++i) {
      if (letter == kSeparators[i]) ++counts[i];
    }
  }
  return kSeparators[static_cast<std::size_t>(std::ranges::max_element(counts) -
                                              counts.begin())];
}

// Reads one row after the other.
class Reader {
 public:
  Reader(std::string_view bytes, char separator, const std::string& source)
      : bytes_(bytes), separator_(separator), source_(source) {
    if (bytes_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  }

  // Nothing at the end of the file.
  std::optional<CsvRow> Next() {
    while (at_ < bytes_.size() && IsLineEnd(bytes_[at_])) EndLine();
    if (at_ == bytes_.size()) return std::nullopt;
    CsvRow row;
    row.line = line_;
    while (true) {
      row.fields.push_back(Field());
      if (at_ == bytes_.size()) return row;
      if (IsLineEnd(bytes_[at_])) {
        EndLine();
        return row;
      }
      ++at_;  // the separator
    }
  }

 private:
  bool AtEndOfField() const {
    return at_ == bytes_.size() || bytes_[at_] == separator_ ||
           IsLineEnd(bytes_[at_]);
  }

  // "\r\n" is one end.
  void EndLine() {
    if (bytes_.substr(at_).starts_with("\r\n")) ++at_;
    ++at_;
    ++line_;
  }

  CsvField Field() {
    CsvField field;
    field.begin = at_;
    if (at_ < bytes_.size() && bytes_[at_] == '"') {
      field.quoted = true;
      Quoted(field.text);
    } else {
      while (!AtEndOfField()) field.text.push_back(bytes_[at_++]);
    }
    field.end = at_;
    return field;
  }

  void Quoted(std::string& text) {
    const std::size_t opened = line_;
    for (++at_; at_ < bytes_.size(); ++at_) {
      if (bytes_[at_] == '"') {
        if (!bytes_.substr(at_).starts_with("\"\"")) break;
        ++at_;  // two stand for one
      } else if (bytes_[at_] == '\n') {
        ++line_;
      }
      text.push_back(bytes_[at_]);
    }
    if (at_ == bytes_.size()) {
      throw DataError(
          fmt::format("{}, line {}: a quote is never closed", source_, opened),
          kPurpose, "close it, or export the file again");
    }
    ++at_;
    if (!AtEndOfField()) {
      throw DataError(fmt::format("{}, line {}: text follows a closing quote",
                                  source_, line_),
                      kPurpose,
                      "write a quote in a quoted field twice, or export the "
                      "file again");
    }
  }

  std::string_view bytes_;
  char separator_;
  const std::string& source_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

std::string InQuotes(std::string_view text) {
  std::string quoted = "\"";
  for (const char letter : text) {
    if (letter == '"') quoted.push_back('"');
    quoted.push_back(letter);
  }
  return quoted + '"';
}

bool NeedsQuotes(std::string_view text, char separator) {
  return text.find_first_of("\"\r\n") != std::string_view::npos ||
         text.find(separator) != std::string_view::npos;
}

}  // namespace

const std::string& CsvRow::Text(std::size_t column) const {
  static const std::string empty;
  return column < fields.size() ? fields[column].text : empty;
}

CsvFile CsvFile::Parse(std::string bytes, const std::string& source) {
  if (!IsUtf8(bytes)) {
    throw DataError(source + ": not a text in UTF-8", kPurpose,
                    "export it again, or save it as CSV in UTF-8");
  }
  CsvFile file;
  file.source_ = source;
  file.bytes_ = std::move(bytes);
  file.separator_ = SeparatorOf(file.bytes_);
  Reader reader(file.bytes_, file.separator_, file.source_);
  if (auto head = reader.Next()) file.head_ = *std::move(head);
  while (auto row = reader.Next()) file.rows_.push_back(*std::move(row));
  return file;
}

CsvFile CsvFile::Read(const std::filesystem::path& file) {
  const auto mapped = MappedFile::Open(file);
  if (mapped->Bytes().size() > kMostBytes) {
    throw DataError(file.string() + ": too large", "it has more than 64 MiB",
                    "export the file again");
  }
  return Parse(std::string(mapped->Text()), file.string());
}

std::optional<std::size_t> CsvFile::Column(std::string_view name) const {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < head_.fields.size(); ++i) {
    if (head_.fields[i].text != name) continue;
    if (found) {
      throw DataError(fmt::format("{}: two columns are called '{}'", source_,
                                  PrintableLine(name)),
                      "either may be meant", "rename or remove one of them");
    }
    found = i;
  }
  return found;
}

std::string CsvFile::With(const std::map<CsvPlace, std::string>& texts) const {
  std::string out;
  std::size_t copied = 0;
  for (const auto& [place, text] : texts) {  // in the order of the file
    const CsvRow& row = rows_.at(place.row);
    if (place.column >= row.fields.size()) {
      throw DataError(
          fmt::format("{}, line {}: the row has {} fields and no "
                      "column {}",
                      source_, row.line, row.fields.size(), place.column + 1),
          "adding one would change other bytes of the file",
          "export the file again");
    }
    const CsvField& field = row.fields[place.column];
    out.append(bytes_, copied, field.begin - copied);
    out +=
        field.quoted || NeedsQuotes(text, separator_) ? InQuotes(text) : text;
    copied = field.end;
  }
  return out.append(bytes_, copied);
}

std::string CsvLine(std::span<const std::string> fields) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    std::string text = fields[i];
    constexpr std::string_view kFormula = "=+-@\t\r\n";
    if (!text.empty() &&
        kFormula.find(text.front()) != std::string_view::npos) {
      text.insert(text.begin(), '\'');
    }
    if (i > 0) line.push_back(',');
    line += NeedsQuotes(text, ',') ? InQuotes(text) : text;
  }
  return line + '\n';
}

}  // namespace kvlab::grading
