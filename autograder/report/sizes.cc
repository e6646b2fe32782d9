#include "autograder/report/sizes.h"

#include <cstddef>
#include <string>

#include "autograder/machine/text/printable.h"

namespace kvlab::grading {
namespace {

// The first and the last length to try, in characters.
constexpr std::size_t kLongestText = 12000;
constexpr std::size_t kShortestText = 50;

// More notices than anyone reads.
constexpr std::size_t kMostNotices = 20;

void Shorten(std::string& text, std::size_t characters) {
  if (text.size() > characters) text = Shortened(Printable(text), characters);
}

}  // namespace

Report WithShortTexts(const Report& report, std::size_t characters) {
  Report shorter = report;
  Shorten(shorter.name, characters);
  if (shorter.notices.size() > kMostNotices) {
    shorter.notices.resize(kMostNotices);
    shorter.notices.emplace_back("and more");
  }
  for (std::string& notice : shorter.notices) Shorten(notice, characters);
  for (PartMark& part : shorter.marks.parts) {
    Shorten(part.trouble, characters);
    for (TaskMark& task : part.tasks) {
      for (CheckMark& mark : task.checks) {
        Shorten(mark.came_back, characters);
        Shorten(mark.follows, characters);
        Shorten(mark.measured, characters);
      }
    }
  }
  return shorter;
}

std::string WithinBytes(
    const Report& report, std::size_t most,
    const std::function<std::string(const Report& report)>& write) {
  std::size_t characters = kLongestText;
  std::string text = write(WithShortTexts(report, characters));
  while (text.size() > most && characters > kShortestText) {
    characters /= 2;
    text = write(WithShortTexts(report, characters));
  }
  return text;
}

}  // namespace kvlab::grading
