#include "autograder/proof/graderlab/lab_case.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "autograder/machine/sandbox/staging_folder.h"
#include "autograder/scoring/rubric.h"
#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

std::string ContentOf(const fs::path& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class LabCaseTest : public ::testing::Test {
 protected:
  LabCaseTest() {
    course_.WriteFile("solutions/01_x/x.cc", "int a = 1;\nint b = 1;\n");
    course_.WriteFile("modules/01_x/x.cc", "the stub\n");
  }

  fs::path File(const std::string& toml) {
    return course_.WriteFile("cases/exploits/name.toml", toml);
  }

  // Both files of what a case with these changes hands in.
  std::string Submitted(const std::string& toml,
                        const PlantedChanges& changes = {}) {
    const LabCase one =
        ReadLabCase(File("title = \"A title\"\n" + toml), changes);
    const StagingFolder folder({});
    WriteSubmission(one, course_.Path(), folder);
    return ContentOf(folder.Path() / "modules/01_x/x.cc") +
           ContentOf(folder.Path() / "modules/01_x/new.cc");
  }

  StagingFolder course_{{}};
};

TEST_F(LabCaseTest, ABugBelongsToTheTaskOfItsFunction) {
  LabCase one;
  one.expect.loses = {"2.9 first", "2.1 second"};
  EXPECT_EQ(TaskOf(one), "2.9");
  one.changes.task = "2.2";
  EXPECT_EQ(TaskOf(one), "2.2");
}

TEST_F(LabCaseTest, ReadsWhatWasPlanted) {
  const auto changes = ReadChanges(course_.WriteFile(
      "changes.json",
      R"({"a/b.toml": {"task": "2.2", "files": {"01_x/x.cc": "text"}},
          "a/c.toml": {"task": "", "files": {}}})"));
  EXPECT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes.at("a/b.toml").task, "2.2");
  EXPECT_EQ(changes.at("a/b.toml").files.at("01_x/x.cc"), "text");
}

TEST_F(LabCaseTest, ReadsWhatACaseSays) {
  const LabCase one = ReadLabCase(
      File("title = \"A title\"\nbase = \"modules\"\nspeed = \"measured\"\n"
           "isolation = \"reduced without landlock\"\n"
           "loses = [\"1.1 a\", \"2.*\"]\nmay_lose = [\"3.1 b\"]\n"
           "says = \"words\"\nnever_says = \"input [0-9]\"\n"
           "student = \"ann\"\n"),
      {});
  EXPECT_EQ(one.kind, "exploit");
  EXPECT_EQ(one.name, "name");
  EXPECT_EQ(one.title, "A title");
  EXPECT_EQ(one.base, "modules");
  EXPECT_EQ(one.speed, LabSpeed::kMeasured);
  EXPECT_EQ(one.isolation, Confinement::kReducedWithoutLandlock);
  EXPECT_EQ(one.expect.loses, (std::vector<std::string>{"1.1 a", "2.*"}));
  EXPECT_EQ(one.expect.may_lose, (std::vector<std::string>{"3.1 b"}));
  EXPECT_EQ(one.expect.says, "words");
  EXPECT_EQ(one.expect.never_says, "input [0-9]");
  EXPECT_EQ(one.student, "ann");
}

TEST_F(LabCaseTest, StartsFromTheSolutionsUnlessItSaysOtherwise) {
  EXPECT_EQ(Submitted(""), "int a = 1;\nint b = 1;\n");
  EXPECT_EQ(Submitted("base = \"modules\"\n"), "the stub\n");
}

TEST_F(LabCaseTest, HandsInWhatChangedAndTheRestUnchanged) {
  EXPECT_EQ(Submitted("", {.files = {{"01_x/x.cc", "changed"}}, .task = ""}),
            "changed");
  EXPECT_EQ(Submitted("", {.files = {{"01_x/new.cc", "new"}}, .task = ""}),
            "int a = 1;\nint b = 1;\nnew");
}

TEST_F(LabCaseTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THROW(Submitted("colour = \"red\"\n"), DataError);
  EXPECT_THROW(Submitted("speed = \"fast\"\n"), DataError);
}

TEST_F(LabCaseTest, APlantedBugMustSayWhichChecksSeeItAndWhatTheyTell) {
  const std::string bug = "title = \"A title\"\nfind = \"a\"\nreplace = \"\"\n";
  const auto file = [&](const std::string& toml) {
    return course_.WriteFile("judges/01_x/planted_bugs/x/bug.toml", toml);
  };
  EXPECT_THROW(ReadPlantedBug(file(bug), {}), DataError);
  EXPECT_THROW(ReadPlantedBug(file(bug + "loses = [\"1.1 a\"]\n"), {}),
               DataError);
  const LabCase one = ReadPlantedBug(
      file(bug + "loses = [\"1.1 a\"]\nsays = \"the past\"\n"), {});
  EXPECT_EQ(one.kind, "bug");
  EXPECT_EQ(one.expect.says, "the past");
}

}  // namespace
}  // namespace kvlab::grading
