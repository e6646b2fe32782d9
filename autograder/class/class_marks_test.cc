// Numbers, names of checks and times as people read them.
#include "autograder/class/class_marks.h"

#include <string>

#include "autograder/class/grading.h"
#include "autograder/report/sample_report.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

using testing::HasSubstr;

TEST(NumberTextTest, IsWhatAPersonWouldWrite) {
  EXPECT_EQ(NumberText(90), "90");
  EXPECT_EQ(NumberText(90.00000000000009), "90");
  EXPECT_EQ(NumberText(0.1 + 0.2), "0.3");
  EXPECT_EQ(NumberText(87.5), "87.5");
  EXPECT_EQ(NumberText(100), "100");
  EXPECT_EQ(NumberText(33.33333), "33.3333");
  EXPECT_EQ(NumberText(0), "0");
  EXPECT_EQ(NumberText(-0.00000001), "0");
}

TEST(TimeLeftTextTest, IsRoundedUpToMinutes) {
  EXPECT_EQ(TimeLeftText(1), "about 1 min left");
  EXPECT_EQ(TimeLeftText(61), "about 2 min left");
  EXPECT_EQ(TimeLeftText(7800), "about 2 h 10 min left");
}

TEST(CheckNamedTest, ANameThatTwoPartsHaveNeedsItsPart) {
  Sample sample = MixedSample();
  EXPECT_EQ(&CheckNamed(sample.report, "fifth"), &sample.Mark(1, 0));
  sample.rubric->parts[1].tasks[0].checks[0].name = "second";
  try {
    CheckNamed(sample.report, "second");
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("write 'Module 1: attention/second' or 'Module 2: "
                          "transformer/second'"));
  }
  EXPECT_EQ(&CheckNamed(sample.report, "Module 2: transformer/second"),
            &sample.Mark(1, 0));
  EXPECT_THROW(CheckNamed(sample.report, "sixth"), DataError);
}

}  // namespace
}  // namespace kvlab::grading
