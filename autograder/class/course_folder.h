// The folder of a class: course.toml, roster.csv and the database.
#ifndef KVLAB_AUTOGRADER_CLASS_COURSE_FOLDER_H_
#define KVLAB_AUTOGRADER_CLASS_COURSE_FOLDER_H_

#include <filesystem>
#include <optional>
#include <string>

#include "autograder/class/roster.h"
#include "autograder/scoring/iso_time.h"
#include "autograder/scoring/late_policy.h"

namespace kvlab::grading {

// What course.toml says.
struct CourseSettings {
  std::string title;
  std::filesystem::path roster;  // from the current directory
  // Of the whole class; none: no due date, and nothing is ever late.
  std::optional<LatePolicy> late_policy;
};

class CourseFolder {
 public:
  // Throws DataError, naming file and line, if course.toml or the roster is
  // missing or invalid.
  explicit CourseFolder(std::filesystem::path folder);

  const CourseSettings& Settings() const { return settings_; }
  const Roster& People() const { return roster_; }
  std::filesystem::path Database() const { return folder_ / "class.sqlite"; }
  // What graders that run keep here; removed when they end.
  std::filesystem::path Workspace() const { return folder_ / "grading"; }
  // Objects that were compiled. They may be removed at any time.
  std::filesystem::path Compiled() const { return folder_ / "compiled"; }

 private:
  std::filesystem::path folder_;
  CourseSettings settings_;
  Roster roster_;
};

struct NewCourse {
  std::string title = "KV cache";
  std::optional<ClockTime> due;
};

// Makes the folder if necessary, and in it course.toml, a roster without people
// and an empty database. Throws DataError, changing nothing, if the folder has
// one of them.
void MakeCourseFolder(const std::filesystem::path& folder,
                      const NewCourse& course);

// The policy with this person's extension: their due date takes the place of
// the class's, and late days count from it. None without a due date.
std::optional<LatePolicy> PolicyFor(const CourseSettings& settings,
                                    const Person& person);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_COURSE_FOLDER_H_
