// What ./kvlab class init makes, and when something counts as late.
#include "autograder/class/course_folder.h"

#include <filesystem>
#include <optional>
#include <string>

#include "autograder/class/test_folder.h"
#include "autograder/scoring/iso_time.h"
#include "autograder/scoring/late_policy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

using testing::HasSubstr;

class CourseFolderTest : public testing::Test {
 protected:
  std::string ErrorOf() const {
    try {
      CourseFolder course(folder_.Path());
    } catch (const DataError& error) {
      return error.what();
    }
    return "none";
  }

  TestFolder folder_;
};

TEST_F(CourseFolderTest, AMadeFolderIsAClassWithoutPeople) {
  const std::filesystem::path made = folder_.Path() / "a" / "b";
  MakeCourseFolder(made, {.title = R"(KV "cache"\)", .due = {}});
  const CourseFolder course(made);
  EXPECT_EQ(course.Settings().title, R"(KV "cache"\)");
  EXPECT_FALSE(course.Settings().late_policy);
  EXPECT_TRUE(course.People().People().empty());
  EXPECT_TRUE(std::filesystem::exists(course.Database()));
}

TEST_F(CourseFolderTest, ADueDateIsWrittenAsItWasGiven) {
  MakeCourseFolder(folder_.Path(),
                   {.due = ParseIsoTime("2027-01-15T23:59:00+01:00")});
  const CourseFolder course(folder_.Path());
  ASSERT_TRUE(course.Settings().late_policy);
  EXPECT_EQ(TimeText(course.Settings().late_policy->due),
            "2027-01-15 23:59:00 +01:00");
  EXPECT_EQ(course.Settings().late_policy->percent_per_day, 10);
}

TEST_F(CourseFolderTest, NothingIsOverwritten) {
  for (const char* name : {"course.toml", "roster.csv", "class.sqlite"}) {
    const TestFolder folder;
    folder.Write(name, "mine");
    EXPECT_THROW(MakeCourseFolder(folder.Path(), {}), DataError) << name;
    EXPECT_EQ(ContentOf(folder.Path() / name), "mine");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.Path()),
                            std::filesystem::directory_iterator()),
              1);
  }
}

TEST_F(CourseFolderTest, AnExtensionAppliesFirstAndLateDaysAfterIt) {
  folder_.Write("course.toml",
                "title = \"c\"\n[late_policy]\ndue = 2027-01-15T23:59:00Z\n"
                "percent_per_day = 10\nfree_days = 1\n");
  folder_.Write("roster.csv",
                "id,due,free_days,reason\n"
                "ann,2027-01-18T23:59:00Z,,ill\n"
                "bob,,3,jury duty\n"
                "eve,,,\n");
  const CourseFolder course(folder_.Path());
  // Four days and a little after the due date of the class.
  const ClockTime submitted = *ParseIsoTime("2027-01-20T01:00:00Z");
  const auto lateness_of = [&](const std::string& id) {
    return LatenessOf(
        *PolicyFor(course.Settings(), *course.People().Find(id).person),
        submitted);
  };
  EXPECT_EQ(lateness_of("ann").days_late, 2);
  EXPECT_EQ(lateness_of("ann").days_charged, 1);
  EXPECT_EQ(lateness_of("bob").days_late, 5);
  EXPECT_EQ(lateness_of("bob").days_charged, 2);
  EXPECT_EQ(lateness_of("eve").days_charged, 4);
  EXPECT_DOUBLE_EQ(lateness_of("eve").factor, 0.6);
}

TEST_F(CourseFolderTest, MistakesAreNamedWithTheirFile) {
  EXPECT_THAT(ErrorOf(), HasSubstr("./kvlab class init"));
  folder_.Write("roster.csv", "id,free_days,reason\nann,2,ill\n");
  folder_.Write("course.toml", "title = \"c\"\n");
  EXPECT_THAT(ErrorOf(), HasSubstr("'ann' has an extension, and the class no"));
  folder_.Write("course.toml", "title = \"c\"\ndeu = 1\n");
  EXPECT_THAT(ErrorOf(), HasSubstr("deu"));
  folder_.Write("course.toml", "title = \"c\"\nroster = \"gone.csv\"\n");
  EXPECT_THAT(ErrorOf(), HasSubstr("gone.csv"));
}

}  // namespace
}  // namespace kvlab::grading
