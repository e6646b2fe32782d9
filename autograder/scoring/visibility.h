// When the author of a submission sees what came of a check.
#ifndef KVLAB_AUTOGRADER_SCORING_VISIBILITY_H_
#define KVLAB_AUTOGRADER_SCORING_VISIBILITY_H_

#include <array>
#include <string_view>
#include <utility>

namespace kvlab::grading {

// From the earliest to the latest.
enum class Visibility {
  kVisible,         // at once
  kAfterDueDate,    // once the due date of the assignment has passed
  kAfterPublished,  // once the instructor publishes the grades
  kHidden,          // never
};

// As rubric.toml and Gradescope call them.
inline constexpr std::array<std::pair<std::string_view, Visibility>, 4>
    kVisibilityNames = {{{"visible", Visibility::kVisible},
                         {"after_due_date", Visibility::kAfterDueDate},
                         {"after_published", Visibility::kAfterPublished},
                         {"hidden", Visibility::kHidden}}};

constexpr std::string_view NameOf(Visibility visibility) {
  for (const auto& [name, value] : kVisibilityNames) {
    if (value == visibility) return name;
  }
  return "";
}

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SCORING_VISIBILITY_H_
