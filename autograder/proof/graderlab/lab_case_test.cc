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

  // The file that a case with these edits hands in.
  std::string Submitted(const std::string& edits) {
    const LabCase one = ReadLabCase(File("title = \"A title\"\n" + edits));
    const StagingFolder folder({});
    WriteSubmission(one, course_.Path(), folder);
    return ContentOf(folder.Path() / "modules/01_x/x.cc");
  }

  StagingFolder course_{{}};
};

TEST_F(LabCaseTest, ABugBelongsToTheTaskOfItsFunction) {
  course_.WriteFile("solutions/02_y/y.cc",
                    "int given;\n"
                    "  // TODO(2.1): one\n  // BEGIN SOLUTION One\n  one;\n"
                    "  // END SOLUTION\nint after;\n"
                    "  // TODO(2.2): two\n  // BEGIN SOLUTION Two\n  two;\n"
                    "  // END SOLUTION\n");
  const auto task_of = [&](const std::string& find) {
    LabCase one;
    one.base = "solutions";
    one.edits.emplace_back();
    one.edits[0].file = "02_y/y.cc";
    one.edits[0].find = find;
    one.expect.loses = {"2.9 first"};
    return TaskOf(one, course_.Path());
  };
  EXPECT_EQ(task_of("  one;"), "2.1");
  EXPECT_EQ(task_of("  two;"), "2.2");
  EXPECT_EQ(task_of("int given;"), "2.9");
  EXPECT_EQ(task_of("int after;"), "2.9");
}

TEST_F(LabCaseTest, ReadsWhatACaseSays) {
  const LabCase one = ReadLabCase(
      File("title = \"A title\"\nbase = \"modules\"\nspeed = \"measured\"\n"
           "isolation = \"reduced without landlock\"\n"
           "loses = [\"1.1 a\", \"2.*\"]\nmay_lose = [\"3.1 b\"]\n"
           "says = \"words\"\nnever_says = \"input [0-9]\"\n"
           "student = \"ann\"\n"));
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

TEST_F(LabCaseTest, EditsAFileInFiveWays) {
  const std::string edit = "[[edit]]\nfile = \"01_x/x.cc\"\n";
  EXPECT_EQ(Submitted(edit + "find = \"a = 1\"\nreplace = \"a = 2\"\n"),
            "int a = 2;\nint b = 1;\n");
  EXPECT_EQ(Submitted(edit + "prepend = \"// x\\n\"\n"),
            "// x\nint a = 1;\nint b = 1;\n");
  EXPECT_EQ(Submitted(edit + "append = \"// x\\n\"\n"),
            "int a = 1;\nint b = 1;\n// x\n");
  EXPECT_EQ(Submitted(edit + "text = \"all\"\n"), "all");
  EXPECT_EQ(Submitted(edit + "take_from = \"modules\"\n"), "the stub\n");
}

// A case whose solution was rewritten no longer tests anything.
TEST_F(LabCaseTest, RefusesAnEditThatNoLongerFits) {
  const std::string edit = "[[edit]]\nfile = \"01_x/x.cc\"\nreplace = \"\"\n";
  EXPECT_THROW(Submitted(edit + "find = \"not there\"\n"), DataError);
  EXPECT_THROW(Submitted(edit + "find = \" = 1;\"\n"), DataError);
  EXPECT_THROW(Submitted("[[edit]]\nfile = \"01_x/y.cc\"\nappend = \"x\"\n"),
               DataError);
}

TEST_F(LabCaseTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THROW(Submitted("colour = \"red\"\n"), DataError);
  EXPECT_THROW(Submitted("[[edit]]\nfile = \"01_x/x.cc\"\n"), DataError);
  EXPECT_THROW(Submitted("[[edit]]\nfile = \"01_x/x.cc\"\ntext = \"a\"\n"
                         "append = \"b\"\n"),
               DataError);
}

TEST_F(LabCaseTest, APlantedBugMustSayWhichChecksSeeItAndWhatTheyTell) {
  const std::string bug = "title = \"A title\"\nfind = \"a\"\nreplace = \"\"\n";
  const auto file = [&](const std::string& toml) {
    return course_.WriteFile("judges/01_x/planted_bugs/x/bug.toml", toml);
  };
  EXPECT_THROW(ReadKnockout(file(bug)), DataError);
  EXPECT_THROW(ReadKnockout(file(bug + "loses = [\"1.1 a\"]\n")), DataError);
  const LabCase one =
      ReadKnockout(file(bug + "loses = [\"1.1 a\"]\nsays = \"the past\"\n"));
  EXPECT_EQ(one.kind, "knockout");
  EXPECT_EQ(one.edits.at(0).file, "01_x/x.cc");
}

}  // namespace
}  // namespace kvlab::grading
