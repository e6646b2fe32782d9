#include "autograder/scoring/iso_time.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "fmt/format.h"

namespace kvlab::grading {
namespace {

bool IsDigit(char letter) { return letter >= '0' && letter <= '9'; }

// Takes a text from its front; once something is missing, nothing counts.
class IsoReader {
 public:
  explicit IsoReader(std::string_view text) : rest_(text) {}

  // Exactly `digits` of them, up to `most`.
  int Number(std::size_t digits, int most) {
    int number = 0;
    good_ = good_ && rest_.size() >= digits &&
            std::all_of(rest_.begin(),
                        rest_.begin() + static_cast<std::ptrdiff_t>(digits),
                        IsDigit);
    if (!good_) return 0;
    for (const char digit : rest_.substr(0, digits)) {
      number = 10 * number + (digit - '0');
    }
    rest_.remove_prefix(digits);
    good_ = number <= most;
    return number;
  }

  // One of these letters, or 0.
  char AnyOf(std::string_view letters) {
    const bool found =
        !rest_.empty() && letters.find(rest_.front()) != std::string_view::npos;
    if (!found) return 0;
    const char letter = rest_.front();
    rest_.remove_prefix(1);
    return letter;
  }

  void Expect(std::string_view letters) {
    good_ = good_ && AnyOf(letters) != 0;
  }

  void SkipDigits() {
    while (!rest_.empty() && IsDigit(rest_.front())) rest_.remove_prefix(1);
  }

  bool Complete() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

std::chrono::year_month_day ReadDate(IsoReader& reader) {
  const int year = reader.Number(4, 9999);
  reader.Expect("-");
  const int month = reader.Number(2, 12);
  reader.Expect("-");
  const int day = reader.Number(2, 31);
  return std::chrono::year(year) /
         std::chrono::month(static_cast<unsigned>(month)) /
         std::chrono::day(static_cast<unsigned>(day));
}

std::chrono::seconds ReadTime(IsoReader& reader) {
  const std::chrono::hours hours(reader.Number(2, 23));
  reader.Expect(":");
  const std::chrono::minutes minutes(reader.Number(2, 59));
  std::chrono::seconds seconds(0);
  if (reader.AnyOf(":") != 0) {
    seconds = std::chrono::seconds(reader.Number(2, 59));
    if (reader.AnyOf(".") != 0) reader.SkipDigits();
  }
  return hours + minutes + seconds;
}

// What local time is ahead of UTC.
std::chrono::minutes ReadZone(IsoReader& reader) {
  const char sign = reader.AnyOf("+-");
  if (sign == 0) {
    reader.Expect("Zz");
    return std::chrono::minutes(0);
  }
  const std::chrono::hours hours(reader.Number(2, 23));
  reader.AnyOf(":");
  const std::chrono::minutes ahead =
      hours + std::chrono::minutes(reader.Number(2, 59));
  return sign == '+' ? ahead : -ahead;
}

std::string OffsetText(std::chrono::minutes ahead) {
  if (ahead.count() == 0) return "UTC";
  const std::chrono::hh_mm_ss offset(ahead);
  return fmt::format("{}{:02}:{:02}", offset.is_negative() ? '-' : '+',
                     offset.hours().count(), offset.minutes().count());
}

}  // namespace

std::optional<ClockTime> ParseIsoTime(std::string_view text) {
  IsoReader reader(text);
  const std::chrono::year_month_day date = ReadDate(reader);
  reader.Expect("Tt ");
  const std::chrono::seconds time = ReadTime(reader);
  const std::chrono::minutes ahead = ReadZone(reader);
  if (!reader.Complete() || !date.ok()) return std::nullopt;
  const std::chrono::sys_days day = date;
  return ClockTime(day + time - ahead, ahead);
}

std::string TimeText(const ClockTime& time) {
  const std::chrono::sys_seconds reading = time.Reading();
  const auto day = std::chrono::floor<std::chrono::days>(reading);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(reading - day);
  return fmt::format(
      "{:04}-{:02}-{:02} {:02}:{:02}:{:02} {}", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
      OffsetText(time.ahead));
}

}  // namespace kvlab::grading
