#include "quiz/variant.h"

#include <cctype>
#include <cstddef>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "kit/error.h"
#include "kit/random.h"
#include "quiz/placeholders.h"

namespace kvlab {
namespace {

// Every order as likely (Fisher and Yates).
std::vector<std::size_t> Shuffled(std::size_t size, Random& random) {
  std::vector<std::size_t> order(size);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t left = size; left > 1; --left) {
    std::swap(order[left - 1], order[random.NextBelow(left)]);
  }
  return order;
}

}  // namespace

std::string StudentId(std::string_view written) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t first = written.find_first_not_of(kSpaces);
  const std::size_t last = written.find_last_not_of(kSpaces);
  std::string id;
  if (first != std::string_view::npos) {
    id = written.substr(first, last - first + 1);
  }
  constexpr std::size_t kLongest = 64;
  bool sound = !id.empty() && id.size() <= kLongest;
  for (char& letter : id) {
    const auto code = static_cast<unsigned char>(letter);
    constexpr std::string_view kMarks = "._@+-";
    constexpr unsigned char kAscii = 0x80;
    sound = sound && code < kAscii &&
            (std::isalnum(code) != 0 ||
             kMarks.find(letter) != std::string_view::npos);
    if (code < kAscii) letter = static_cast<char>(std::tolower(code));
  }
  if (!sound) {
    throw DataError("this is no student's id",
                    "it has 1 to 64 letters, digits and . _ @ + -, and your "
                    "numbers are made from it",
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
