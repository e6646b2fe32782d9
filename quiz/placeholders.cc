#include "quiz/placeholders.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "fmt/format.h"

namespace kvlab {
namespace {

// Calls `words` with the text between names, and `name` with each name.
void Walk(std::string_view text,
          const std::function<void(std::string_view)>& words,
          const std::function<void(std::string_view)>& name) {
  while (true) {
    const std::size_t open = text.find('{');
    const std::size_t close = text.find('}', open);
    if (open == std::string_view::npos || close == std::string_view::npos) {
      words(text);
      return;
    }
    words(text.substr(0, open));
    const std::string_view inside = text.substr(open + 1, close - open - 1);
    if (inside.empty()) {
      words("{}");
    } else {
      name(inside);
    }
    text.remove_prefix(close + 1);
  }
}

// With commas between thousands, as in the course's texts.
std::string NumberText(double number) {
  if (number != std::floor(number)) return fmt::format("{:g}", number);
  std::string digits = fmt::format("{}", static_cast<std::int64_t>(number));
  constexpr std::size_t kGroup = 3;
  for (std::size_t at = digits.size(); at > kGroup;) {
    at -= kGroup;
    digits.insert(at, 1, ',');
  }
  return digits;
}

}  // namespace

std::set<std::string> NamesIn(std::string_view text) {
  std::set<std::string> names;
  Walk(
      text, [](std::string_view) {},
      [&](std::string_view name) { names.emplace(name); });
  return names;
}

std::string FillIn(std::string_view text,
                   const std::map<std::string, double>& numbers) {
  std::string filled;
  Walk(
      text, [&](std::string_view words) { filled += words; },
      [&](std::string_view name) {
        const auto found = numbers.find(std::string(name));
        filled += found == numbers.end() ? fmt::format("{{{}}}", name)
                                         : NumberText(found->second);
      });
  return filled;
}

}  // namespace kvlab
