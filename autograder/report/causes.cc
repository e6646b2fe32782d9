#include "autograder/report/causes.h"

#include <cstddef>
#include <string>
#include <vector>

#include "autograder/report/check_rows.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// Rows that lost points, except those of parts that could not be run.
std::vector<CheckRow> LostRows(const Report& report) {
  std::vector<CheckRow> lost;
  for (const CheckRow& row : CheckRows(report)) {
    const CheckMark& mark = *row.mark;
    if (!mark.Passed() && !mark.blocked && row.part->trouble.empty()) {
      lost.push_back(row);
    }
  }
  return lost;
}

// The check that `row` names as its cause: preferably of its own part, since
// another part may use the same name. nullptr if it names none.
const CheckRow* CauseOf(const CheckRow& row,
                        const std::vector<CheckRow>& lost) {
  if (row.mark->cause.empty()) return nullptr;
  const CheckRow* cause = nullptr;
  for (const CheckRow& other : lost) {
    if (other.mark->check->name != row.mark->cause) continue;
    if (other.part == row.part) return &other;
    if (cause == nullptr) cause = &other;
  }
  return cause;
}

// Causes are above what they cause, so this ends.
const CheckRow* RootOf(const CheckRow& row, const std::vector<CheckRow>& lost) {
  const CheckRow* root = CauseOf(row, lost);
  while (root != nullptr) {
    const CheckRow* above = CauseOf(*root, lost);
    if (above == nullptr) break;
    root = above;
  }
  return root;
}

}  // namespace

std::string WhereToBegin(const Report& report) {
  const std::vector<CheckRow> lost = LostRows(report);
  std::vector<std::size_t> followers(lost.size());
  std::size_t most = 0;
  for (const CheckRow& row : lost) {
    const CheckRow* root = RootOf(row, lost);
    if (root == nullptr) continue;
    const auto at = static_cast<std::size_t>(root - lost.data());
    if (++followers[at] > followers[most]) most = at;
  }
  if (lost.empty() || followers[most] == 0) return "";
  const CheckRow& root = lost[most];
  return fmt::format(
      "{} of the {} checks that lost points follow{} from one: {} {}, {}. "
      "Begin there.",
      followers[most], lost.size(), followers[most] == 1 ? "s" : "",
      root.task->task->id, root.task->task->title, root.mark->check->title);
}

}  // namespace kvlab::grading
