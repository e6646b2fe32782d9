#include "autograder/class/page/class_checks.h"

#include <vector>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

TEST(ClassChecksTest, FailuresThatDifferInNumbersAreOfOneKind) {
  EXPECT_EQ(FailureKind("row 12: 0.5 instead of 1.25"),
            "row #: # instead of #");
  EXPECT_EQ(FailureKind("row 7: 3 instead of 10.\nand more"),
            "row #: # instead of #.");
  EXPECT_EQ(FailureKind(""), "");
}

TEST(ClassChecksTest, TheMedianOfAnEvenCountIsBetweenTwo) {
  EXPECT_EQ(MedianOf({}), 0);
  EXPECT_EQ(MedianOf({3, 1, 2}), 2);
  EXPECT_EQ(MedianOf({4, 1, 2, 3}), 2.5);
}

TEST(ClassChecksTest, AClassThatIsNotGradedHasNoChecks) {
  const std::vector<PersonMarks> people(3);
  EXPECT_TRUE(ChecksOf(people).empty());
}

}  // namespace
}  // namespace kvlab::grading
