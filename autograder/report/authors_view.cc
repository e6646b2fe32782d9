#include "autograder/report/authors_view.h"

#include <cstddef>
#include <vector>

#include "autograder/scoring/visibility.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// Hidden checks are never shown.
bool IsVisible(const RubricCheck& check, Visibility revealed) {
  return check.visibility <= revealed &&
         check.visibility != Visibility::kHidden;
}

RubricPart VisiblePart(const RubricPart& part, Visibility revealed) {
  RubricPart visible = part;
  for (RubricTask& task : visible.tasks) {
    std::erase_if(task.checks, [&](const RubricCheck& check) {
      return !IsVisible(check, revealed);
    });
  }
  return visible;
}

}  // namespace

AuthorsView::AuthorsView(const Report& report) : visible_(report) {
  for (const PartMark& part : report.marks.parts) {
    parts_.push_back(VisiblePart(*part.part, report.revealed));
  }
  visible_.marks.parts.clear();
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const PartMark& mark = report.marks.parts[i];
    PartMark& view = visible_.marks.parts.emplace_back();
    view.part = &parts_[i];
    view.trouble = mark.trouble;
    for (std::size_t j = 0; j < mark.tasks.size(); ++j) {
      view.tasks.push_back(ViewOf(mark.tasks[j], parts_[i].tasks[j]));
    }
  }
  if (concealed_count_ > 0) {
    visible_.notices.push_back(fmt::format(
        "{} check{} of {:g} points {} not shown yet, nor counted here",
        concealed_count_, concealed_count_ == 1 ? "" : "s",
        concealed_max_points_, concealed_count_ == 1 ? "is" : "are"));
  }
}

TaskMark AuthorsView::ViewOf(const TaskMark& task, const RubricTask& visible) {
  TaskMark view = {.task = &visible, .checks = {}};
  for (const CheckMark& mark : task.checks) {
    if (!IsVisible(*mark.check, visible_.revealed)) {
      ++concealed_count_;
      concealed_points_ += mark.points;
      concealed_max_points_ += mark.check->points;
      continue;
    }
    CheckMark& shown = view.checks.emplace_back(mark);
    shown.check = &visible.checks[view.checks.size() - 1];
  }
  return view;
}

}  // namespace kvlab::grading
