#include "quiz/variant.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "kit/error.h"
#include "kit/model/random.h"
#include "quiz/placeholders.h"
#include "utf8proc.h"

namespace kvlab {
namespace {

// Every order is equally likely (Fisher and Yates).
std::vector<std::size_t> Shuffled(std::size_t size, Random& random) {
  std::vector<std::size_t> order(size);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t left = size; left > 1; --left) {
    std::swap(order[left - 1], order[random.NextBelow(left)]);
  }
  return order;
}

// The characters, accents joined to their letters as far as possible; none if
// the text is not UTF-8. An apostrophe is one, however it was typed.
std::vector<utf8proc_int32_t> Composed(std::string_view text) {
  constexpr auto kOptions =
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  constexpr utf8proc_int32_t kCurlyApostrophe = 0x2019;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const auto size = static_cast<utf8proc_ssize_t>(text.size());
  const utf8proc_ssize_t count =
      ::utf8proc_decompose(bytes, size, nullptr, 0, kOptions);
  if (count < 0) return {};
  std::vector<utf8proc_int32_t> letters(static_cast<std::size_t>(count) + 1);
  ::utf8proc_decompose(bytes, size, letters.data(), count, kOptions);
  const utf8proc_ssize_t composed =
      ::utf8proc_normalize_utf32(letters.data(), count, kOptions);
  letters.resize(
      static_cast<std::size_t>(std::max<utf8proc_ssize_t>(0, composed)));
  std::ranges::replace(letters, kCurlyApostrophe, '\'');
  return letters;
}

// Letters and digits of any language, and accents not joined to a letter.
bool MayBeInAnId(utf8proc_int32_t letter) {
  constexpr std::string_view kMarks = "._@+-'!#$%&*=?^~";
  constexpr utf8proc_int32_t kAscii = 0x80;
  if (letter < kAscii) {
    return std::isalnum(letter) != 0 ||
           (letter > 0 &&
            kMarks.find(static_cast<char>(letter)) != std::string_view::npos);
  }
  const utf8proc_category_t category = ::utf8proc_category(letter);
  return (category >= UTF8PROC_CATEGORY_LU &&
          category <= UTF8PROC_CATEGORY_LO) ||
         category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
         category == UTF8PROC_CATEGORY_ND;
}

std::string InUtf8(utf8proc_int32_t letter) {
  constexpr std::size_t kLongest = 4;
  std::array<utf8proc_uint8_t, kLongest> bytes{};
  const utf8proc_ssize_t size = ::utf8proc_encode_char(letter, bytes.data());
  return {bytes.begin(), bytes.begin() + size};
}

}  // namespace

std::string StudentId(std::string_view written) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t first = written.find_first_not_of(kSpaces);
  const std::size_t last = written.find_last_not_of(kSpaces);
  constexpr std::size_t kLongest = 254;  // of an e-mail address, RFC 5321
  std::vector<utf8proc_int32_t> letters;
  if (first != std::string_view::npos) {
    letters = Composed(written.substr(first, last - first + 1));
  }
  bool sound = !letters.empty() && letters.size() <= kLongest;
  std::string id;
  for (const utf8proc_int32_t letter : letters) {
    sound = sound && MayBeInAnId(letter);
    if (sound) id += InUtf8(::utf8proc_tolower(letter));
  }
  if (!sound) {
    throw DataError("this is not a student's id",
                    "an id is a name or an e-mail address, of at most 254 "
                    "characters and without spaces; it determines your "
                    "numbers",
                    "write the id that your course knows you by");
  }
  return id;
}

QuizVariant VariantFor(const QuizQuestion& question, std::string_view student) {
  Random random(SeedFrom(0, fmt::format("{}/{}", student, question.id)));
  QuizVariant variant;
  if (!question.cases.empty()) {
    variant.numbers = question.cases[random.NextBelow(question.cases.size())];
  }
  variant.text = FillIn(question.text, variant.numbers);
  variant.order = Shuffled(question.options.size(), random);
  for (const std::size_t option : variant.order) {
    variant.options.push_back(
        FillIn(question.options[option].text, variant.numbers));
  }
  return variant;
}

char LetterOf(std::size_t place) { return static_cast<char>('a' + place); }

}  // namespace kvlab
