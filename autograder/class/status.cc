#include "autograder/class/status.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "autograder/class/class_marks.h"
#include "autograder/machine/text/count.h"
#include "autograder/machine/text/printable.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

enum class State { kGraded, kBlocked, kNotGraded, kFailed, kMissing };

constexpr std::array<std::string_view, 5> kStates = {
    "graded", "blocked", "not graded", "failed", "missing"};

State StateOf(const PersonMarks& marks) {
  if (!marks.attempt) return State::kMissing;
  if (!marks.failure.empty()) return State::kFailed;
  if (!marks.IsGraded()) return State::kNotGraded;
  return marks.IsFinal() ? State::kGraded : State::kBlocked;
}

std::string LateText(const PersonMarks& marks) {
  if (!marks.attempt) return "";
  if (!marks.attempt->submitted_at) {
    return marks.attempt->marked_late ? "late, when?" : "time unknown";
  }
  const auto& lateness = marks.Graded().lateness;
  if (!lateness || lateness->days_late == 0) return "";
  return fmt::format(
      "{}, {} charged",
      Count(static_cast<std::size_t>(lateness->days_late), "day"),
      lateness->days_charged);
}

std::string PointsText(const PersonMarks& marks) {
  if (!marks.IsGraded()) return "";
  const Marks& all = marks.Graded().marks;
  return fmt::format("{} of {}", NumberText(marks.Graded().Points()),
                     NumberText(all.JudgedPoints()));
}

std::string Remarks(const PersonMarks& marks) {
  std::string text;
  if (marks.IsGraded() && !marks.IsFinal()) {
    text += fmt::format("{} points could not be judged; ",
                        NumberText(marks.Graded().marks.BlockedPoints()));
  }
  if (!marks.overrides.empty()) {
    text += Count(marks.overrides.size(), "override") + "; ";
  }
  if (marks.attempts > 1) text += Count(marks.attempts, "attempt") + "; ";
  if (!marks.failure.empty()) {
    text += PrintableLine(marks.failure.substr(0, marks.failure.find('\n')));
  }
  if (text.ends_with("; ")) text.erase(text.size() - 2);
  return text;
}

std::string Line(std::string_view id, std::string_view state,
                 std::string_view points, std::string_view late,
                 std::string_view remarks) {
  std::string line = fmt::format("{:<28}  {:<10}  {:<14}  {:<18}  {}", id,
                                 state, points, late, remarks);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

}  // namespace

std::string StatusText(std::span<const PersonMarks> marks) {
  constexpr std::size_t kMostOfAnId = 28;
  std::array<std::size_t, kStates.size()> counts{};
  std::string text = Line("id", "state", "points", "late", "");
  for (const PersonMarks& each : marks) {
    const auto state = static_cast<std::size_t>(StateOf(each));
    ++counts.at(state);
    text += Line(Shortened(PrintableLine(each.person->id), kMostOfAnId),
                 kStates.at(state), PointsText(each), LateText(each),
                 Remarks(each));
  }
  text += fmt::format("{} on the roster:", marks.size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts.at(i) > 0) {
      text += fmt::format(" {} {},", counts.at(i), kStates.at(i));
    }
  }
  text.back() = '\n';
  return text;
}

}  // namespace kvlab::grading
