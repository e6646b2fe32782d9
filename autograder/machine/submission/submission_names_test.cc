#include "autograder/machine/submission/submission_names.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;

Names Of(const std::vector<fs::path>& paths) { return SubmissionNames(paths); }

TEST(SubmissionNamesTest, OneIsCalledByItsLastPart) {
  EXPECT_EQ(Of({"a/submission.zip"}), (Names{"submission"}));
  EXPECT_EQ(Of({"a/homework.tar.gz"}), (Names{"homework"}));
  EXPECT_EQ(Of({"a/folder/"}), (Names{"folder"}));
  EXPECT_EQ(Of({"."}), (Names{fs::current_path().filename().string()}));
}

// As ./kvlab submit and Canvas call the files of three people.
TEST(SubmissionNamesTest, SeveralAreCalledByTheFirstPartThatDiffers) {
  EXPECT_EQ(
      Of({"ann/submission.zip", "bob/submission.zip", "cem/submission-2.zip"}),
      (Names{"ann", "bob", "cem"}));
  EXPECT_EQ(Of({"hw/ann.zip", "hw/bob.zip"}), (Names{"ann", "bob"}));
  EXPECT_EQ(Of({"solutions", "modules"}), (Names{"solutions", "modules"}));
  EXPECT_EQ(Of({"x/ann/1/s.zip", "./x/bob/1/s.zip"}), (Names{"ann", "bob"}));
}

TEST(SubmissionNamesTest, MorePartsTellApartWhatOneDoesNot) {
  EXPECT_EQ(Of({"a/x.zip", "a/y.zip", "b/x.zip"}), (Names{"a_x", "a_y", "b"}));
  EXPECT_EQ(Of({"a/x.zip", "a/x"}), (Names{"x", "x-2"}));
}

TEST(SubmissionNamesTest, TheSamePersonTwiceGetsTwoNames) {
  EXPECT_EQ(Of({"ann.zip", "ann.zip", "ann-2.zip"}),
            (Names{"ann", "ann-3", "ann-2"}));
  EXPECT_EQ(Of({"a/Ann.zip", "a/ann.zip"}), (Names{"Ann", "ann-2"}));
}

TEST(SubmissionNamesTest, NamesOfPeopleStay) {
  EXPECT_EQ(
      Of({"hw/o'brien@example.edu.zip", "hw/m\u00fcller@example.edu.zip",
          "hw/\u674e.zip"}),
      (Names{"o'brien@example.edu", "m\u00fcller@example.edu", "\u674e"}));
}

TEST(SubmissionNamesTest, NoNameCommandsATerminalOrHidesAFolder) {
  const Names names =
      Of({"x/\x1b[2J\n.zip", "x/.hidden", "x/-rf", "x/a b$(c)", "x/\xff"});
  EXPECT_EQ(names,
            (Names{"\uFFFD_2J\uFFFD", "_hidden", "_rf", "a_b__c_", "\uFFFD"}));
}

TEST(SubmissionNamesTest, WhatIsThereIsNotWrittenOver) {
  const fs::path out =
      fs::path(::testing::TempDir()) / ("names" + std::to_string(::getpid()));
  EXPECT_EQ(NewFolder(out, "ann"), out / "ann");
  fs::create_directories(out / "ann");
  EXPECT_EQ(NewFolder(out, "ann"), out / "ann-2");
  std::ofstream(out / "ann-2") << "a file";
  EXPECT_EQ(NewFolder(out, "ann"), out / "ann-3");
  fs::remove_all(out);
}

}  // namespace
}  // namespace kvlab::grading
