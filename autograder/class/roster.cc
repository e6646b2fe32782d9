#include "autograder/class/roster.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograder/class/csv.h"
#include "autograder/machine/text/printable.h"
#include "autograder/scoring/iso_time.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "kit/error.h"
#include "utf8proc.h"

namespace kvlab::grading {
namespace {

constexpr const char* kPurpose = "it says who is marked, and until when";
constexpr std::array<std::string_view, 8> kColumns = {
    "id",          "name", "email",     "section",
    "platform_id", "due",  "free_days", "reason"};

class RosterRow {
 public:
  RosterRow(const CsvFile& file, const CsvRow& row, const std::string& source)
      : file_(file), row_(row), source_(source) {}

  // Without surrounding spaces; "" if there is no such column.
  std::string Text(std::string_view column) const {
    const auto place = file_.Column(column);
    const std::string& text = place ? row_.Text(*place) : row_.Text(SIZE_MAX);
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string::npos) return "";
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
  }

  [[noreturn]] void Fail(const std::string& what,
                         const std::string& fix) const {
    throw DataError(fmt::format("{}, line {}: {}", source_, row_.line, what),
                    kPurpose, fix);
  }

  std::optional<ClockTime> Due() const {
    const std::string text = Text("due");
    if (text.empty()) return std::nullopt;
    const std::optional<ClockTime> due = ParseIsoTime(text);
    if (!due) {
      Fail(fmt::format("'{}' is not a valid date with time and zone",
                       PrintableLine(text)),
           "write 2027-01-15T23:59:00+01:00");
    }
    return due;
  }

  std::optional<int> FreeDays() const {
    const std::string text = Text("free_days");
    if (text.empty()) return std::nullopt;
    int days = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, days);
    constexpr int kMostDays = 1000;
    if (read.ec != std::errc() || read.ptr != end || days < 0 ||
        days > kMostDays) {
      Fail(fmt::format("'{}' must be a count of days", PrintableLine(text)),
           "write a whole number from 0 to 1000, or leave it empty");
    }
    return days;
  }

 private:
  const CsvFile& file_;
  const CsvRow& row_;
  const std::string& source_;
};

Person ReadPerson(const RosterRow& row) {
  Person person = {.id = row.Text("id"),
                   .name = row.Text("name"),
                   .email = row.Text("email"),
                   .section = row.Text("section"),
                   .platform_id = row.Text("platform_id"),
                   .due = row.Due(),
                   .free_days = row.FreeDays(),
                   .reason = row.Text("reason")};
  if (person.id.empty()) row.Fail("there is no id", "write one");
  if ((person.due || person.free_days) && person.reason.empty()) {
    row.Fail("an extension without a reason",
             "say in the column 'reason' why it was given");
  }
  return person;
}

// Those that match, in any order.
std::set<std::size_t> Matching(
    const std::multimap<std::string, std::size_t, std::less<>>& index,
    std::string_view key) {
  std::set<std::size_t> places;
  const auto [first, last] = index.equal_range(key);
  for (auto it = first; it != last; ++it) places.insert(it->second);
  return places;
}

}  // namespace

std::optional<std::string> FoldedText(std::string_view text) {
  utf8proc_uint8_t* folded = nullptr;
  const utf8proc_ssize_t size = ::utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
      static_cast<utf8proc_ssize_t>(text.size()), &folded,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE |
                                     UTF8PROC_CASEFOLD));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(
      folded, std::free);
  if (size < 0) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(folded),
                     static_cast<std::size_t>(size));
}

Roster Roster::Parse(const CsvFile& file, const std::string& source) {
  for (const CsvField& field : file.Head().fields) {
    if (std::ranges::find(kColumns, field.text) == kColumns.end()) {
      throw DataError(fmt::format("{}: the column '{}' is unknown", source,
                                  PrintableLine(field.text)),
                      "a misspelled one would be ignored without a word",
                      fmt::format("remove it, or name it as one of {}",
                                  fmt::join(kColumns, ", ")));
    }
  }
  if (!file.Column("id")) {
    throw DataError(source + ": there is no column 'id'", kPurpose,
                    "name the columns in the first line: id,name,email");
  }
  Roster roster;
  for (const CsvRow& row : file.Rows()) {
    const RosterRow fields(file, row, source);
    Person person = ReadPerson(fields);
    if (roster.by_id_.contains(person.id)) {
      fields.Fail(
          fmt::format("the id '{}' appears twice", PrintableLine(person.id)),
          "remove one of the two rows");
    }
    roster.Add(std::move(person));
  }
  return roster;
}

Roster Roster::Read(const std::filesystem::path& file) {
  return Parse(CsvFile::Read(file), file.string());
}

void Roster::Add(Person person) {
  const std::size_t place = people_.size();
  by_id_.emplace(person.id, place);
  for (const std::string& other : {person.platform_id, person.email}) {
    if (!other.empty()) by_other_.emplace(other, place);
  }
  for (const std::string& key : {person.id, person.platform_id, person.email}) {
    const auto folded = FoldedText(key);
    if (folded && !folded->empty()) by_folded_.emplace(*folded, place);
  }
  people_.push_back(std::move(person));
}

PersonFound Roster::Find(std::string_view key) const {
  const std::string folded = FoldedText(key).value_or("");
  for (const std::set<std::size_t>& places :
       {Matching(by_id_, key), Matching(by_other_, key),
        Matching(by_folded_, folded)}) {
    if (places.size() == 1) return {&people_[*places.begin()], ""};
    if (places.size() > 1) {
      std::vector<std::string> ids;
      ids.reserve(places.size());
      for (const std::size_t place : places) ids.push_back(people_[place].id);
      return {nullptr, PrintableLine(fmt::format("may be any of {}",
                                                 fmt::join(ids, ", ")))};
    }
  }
  return {nullptr, "is not on the roster"};
}

}  // namespace kvlab::grading
