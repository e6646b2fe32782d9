#include "autograder/scoring/iso_time.h"

#include <chrono>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>

#include "date/date.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// Date, hours and minutes, seconds, and the zone's hours and minutes. The
// library would also read "2027-1-15" and "+1", and stop before what follows.
const std::regex& Form() {
  static const std::regex form(
      R"((\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(?:\.\d{0,18})?)?)"
      R"((?:[Zz]|([+-](?:[01]\d|2[0-3])):?([0-5]\d)))");
  return form;
}

std::string OffsetText(std::chrono::minutes ahead) {
  if (ahead.count() == 0) return "UTC";
  const std::chrono::hh_mm_ss offset(ahead);
  return fmt::format("{}{:02}:{:02}", offset.is_negative() ? '-' : '+',
                     offset.hours().count(), offset.minutes().count());
}

}  // namespace

std::optional<ClockTime> ParseIsoTime(std::string_view text) {
  std::cmatch part;
  if (!std::regex_match(text.begin(), text.end(), part, Form())) {
    return std::nullopt;
  }
  const auto text_of = [&part](std::size_t group, const char* otherwise) {
    return part[group].matched ? part[group].str() : otherwise;
  };
  std::istringstream stream(fmt::format("{} {}:{} {}{}", text_of(1, ""),
                                        text_of(2, ""), text_of(3, "00"),
                                        text_of(4, "+00"), text_of(5, "00")));
  ClockTime time;
  date::from_stream(stream, "%F %T %z", time.time,
                    static_cast<std::string*>(nullptr), &time.ahead);
  if (stream.fail()) return std::nullopt;
  return time;
}

std::string TimeText(const ClockTime& time) {
  return date::format("%F %T ", time.Reading()) + OffsetText(time.ahead);
}

}  // namespace kvlab::grading
