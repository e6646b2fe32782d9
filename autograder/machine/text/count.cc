#include "autograder/machine/text/count.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// "entry", but not "key"
bool EndsInConsonantY(std::string_view noun) {
  constexpr std::string_view kVowels = "aeiou";
  return noun.size() > 1 && noun.back() == 'y' &&
         kVowels.find(noun[noun.size() - 2]) == std::string_view::npos;
}

// "batch", "pass", "box"
bool EndsInSibilant(std::string_view noun) {
  constexpr std::array<std::string_view, 5> kEndings = {"s", "x", "z", "ch",
                                                        "sh"};
  return std::ranges::any_of(kEndings, [noun](std::string_view ending) {
    return noun.ends_with(ending);
  });
}

}  // namespace

std::string Plural(std::string_view noun) {
  if (EndsInConsonantY(noun)) {
    return fmt::format("{}ies", noun.substr(0, noun.size() - 1));
  }
  return fmt::format("{}{}", noun, EndsInSibilant(noun) ? "es" : "s");
}

std::string Count(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}", count,
                     count == 1 ? std::string(noun) : Plural(noun));
}

}  // namespace kvlab::grading
