#include "autograder/class/course_folder.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "autograder/class/gradebook.h"
#include "autograder/class/roster.h"
#include "autograder/class/whole_file.h"
#include "autograder/machine/text/printable.h"
#include "autograder/scoring/late_policy.h"
#include "autograder/scoring/read_late_policy.h"
#include "fmt/format.h"
#include "kit/error.h"
#include "kit/files/toml_table.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCourseFile = "course.toml";
constexpr const char* kRosterFile = "roster.csv";

// A basic string of TOML.
std::string InToml(const std::string& text) {
  std::string quoted = "\"";
  for (const char letter : PrintableLine(text)) {
    if (letter == '"' || letter == '\\') quoted.push_back('\\');
    quoted.push_back(letter);
  }
  return quoted + '"';
}

std::string LatePolicyText(const std::optional<ClockTime>& due) {
  const std::string mark = due ? "" : "# ";
  const ClockTime shown =
      due.value_or(*ParseIsoTime("2027-01-15T23:59:00+01:00"));
  std::string text =
      due ? ""
          : "# Without a due date nothing is late. Remove the # below to set "
            "one.\n";
  for (const std::string& line :
       {std::string("[late_policy]"), "due = " + IsoText(shown),
        std::string("percent_per_day = 10  # of the points earned, for each "
                    "day begun"),
        std::string("free_days = 0         # late days that cost nothing")}) {
    text += mark + line + '\n';
  }
  return text + "# also: zone, grace_minutes, floor_percent\n";
}

CourseSettings ReadSettings(const fs::path& folder) {
  TomlTable table =
      ReadToml(folder / kCourseFile, "it says who is marked, and until when");
  CourseSettings settings;
  settings.title = table.NonEmptyText("title");
  settings.roster = folder / table.TextOr("roster", kRosterFile);
  if (table.Has("late_policy")) {
    settings.late_policy = ReadLatePolicy(table.Table("late_policy"));
  }
  table.ExpectNoMore();
  return settings;
}

}  // namespace

CourseFolder::CourseFolder(fs::path folder) : folder_(std::move(folder)) {
  if (!fs::exists(folder_ / kCourseFile)) {
    throw DataError(
        (folder_ / kCourseFile).string() + ": there is no such file",
        "the folder of a class has one",
        "make the folder by ./kvlab class init DIR, and name it by --in DIR");
  }
  settings_ = ReadSettings(folder_);
  roster_ = Roster::Read(settings_.roster);
  if (settings_.late_policy) return;
  for (const Person& person : roster_.People()) {
    if (!person.due && !person.free_days) continue;
    throw DataError(
        fmt::format("{}: '{}' has an extension, and the class no due date",
                    settings_.roster.string(), PrintableLine(person.id)),
        "an extension changes the due date of the class",
        "add [late_policy] to course.toml");
  }
}

void MakeCourseFolder(const fs::path& folder, const NewCourse& course) {
  for (const char* name : {kCourseFile, kRosterFile, "class.sqlite"}) {
    if (fs::exists(folder / name)) {
      throw DataError(
          (folder / name).string() + ": there is a class in this folder",
          "init never overwrites one", "choose another folder");
    }
  }
  MakeLastingFolder(folder);
  WriteWholeFile(folder / kRosterFile,
                 "id,name,email,section,platform_id,due,free_days,reason\n");
  const Gradebook made(folder / "class.sqlite");
  // Last, since a folder is a class's when it has this file.
  WriteWholeFile(
      folder / kCourseFile,
      fmt::format("title = {}\nroster = \"{}\"\n\n{}", InToml(course.title),
                  kRosterFile, LatePolicyText(course.due)));
}

std::optional<LatePolicy> PolicyFor(const CourseSettings& settings,
                                    const Person& person) {
  if (!settings.late_policy) return std::nullopt;
  LatePolicy policy = *settings.late_policy;
  if (person.due) policy.due = *person.due;
  if (person.free_days) policy.free_days = *person.free_days;
  return policy;
}

}  // namespace kvlab::grading
