#include "autograder/machine/text/count.h"

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

TEST(CountTest, OneIsSingularAndAllOthersArePlural) {
  EXPECT_EQ(Count(0, "token"), "0 tokens");
  EXPECT_EQ(Count(1, "token"), "1 token");
  EXPECT_EQ(Count(2, "token"), "2 tokens");
  EXPECT_EQ(Count(1, "entry"), "1 entry");
  EXPECT_EQ(Count(21, "entry"), "21 entries");
}

TEST(PluralTest, FollowsTheLastWord) {
  EXPECT_EQ(Plural("key/value head"), "key/value heads");
  EXPECT_EQ(Plural("batch row"), "batch rows");
}

TEST(PluralTest, KnowsTheNounsOfTheReports) {
  EXPECT_EQ(Plural("number"), "numbers");
  EXPECT_EQ(Plural("entry"), "entries");
  EXPECT_EQ(Plural("key"), "keys");
  EXPECT_EQ(Plural("pass"), "passes");
  EXPECT_EQ(Plural("batch"), "batches");
  EXPECT_EQ(Plural("axis element"), "axis elements");
}

}  // namespace
}  // namespace kvlab::grading
