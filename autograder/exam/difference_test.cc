#include "autograder/exam/difference.h"

#include <cmath>
#include <limits>
#include <string>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

// [2 batch rows, 3 positions, 2 features]; the number bsf + 1 names its place.
Array Numbered() {
  Array array = {.shape = {2, 3, 2}, .values = {}};
  for (int b = 0; b < 2; ++b) {
    for (int s = 0; s < 3; ++s) {
      for (int f = 0; f < 2; ++f) {
        array.values.push_back(static_cast<float>(100 * b + 10 * s + f + 1));
      }
    }
  }
  return array;
}

std::string TextOf(const Array& actual) {
  return Difference(actual, Numbered(), 1e-5, kTokenAxes).value_or("none");
}

TEST(DifferenceTest, NumbersWithinTheToleranceAgree) {
  Array actual = Numbered();
  for (float& value : actual.values) value *= 1.0F + 5e-6F;
  EXPECT_TRUE(Agree(actual, Numbered(), 1e-5));
  EXPECT_EQ(TextOf(actual), "none");
}

TEST(DifferenceTest, NamesBothShapes) {
  Array actual = Numbered();
  actual.shape = {3, 2, 2};
  EXPECT_EQ(TextOf(actual), "the shape is [3, 2, 2], it should be [2, 3, 2]");
}

TEST(DifferenceTest, RefusesNumbersThatDoNotFillTheShape) {
  Array actual = Numbered();
  actual.values.pop_back();
  EXPECT_EQ(TextOf(actual), "the numbers do not fill the shape");
}

TEST(DifferenceTest, NamesThePlaceOfWhatIsNotFinite) {
  Array actual = Numbered();
  actual.values[9] = std::nanf("");
  EXPECT_EQ(TextOf(actual),
            "NaN at batch row 1, position 1, feature 1: not a finite number "
            "(batch row 1 only; position 1 only; feature 1 only)");
  actual.values[9] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(
      TextOf(actual),
      "infinity at batch row 1, position 1, feature 1: not a finite number "
      "(batch row 1 only; position 1 only; feature 1 only)");
}

TEST(DifferenceTest, KnowsZeros) {
  Array actual = Numbered();
  for (float& value : actual.values) value = 0;
  EXPECT_EQ(TextOf(actual), "every number that came back is zero");
}

TEST(DifferenceTest, KnowsAnAxisThatMakesNoDifference) {
  Array actual = Numbered();
  for (std::size_t i = 0; i < 6; ++i) actual.values[6 + i] = actual.values[i];
  EXPECT_EQ(TextOf(actual),
            "the same numbers came back for every batch row, although the "
            "input differs");
}

TEST(DifferenceTest, KnowsACommonFactor) {
  Array actual = Numbered();
  for (float& value : actual.values) value *= 2.5F;
  EXPECT_EQ(TextOf(actual), "every number is 2.5 times what it should be");
}

TEST(DifferenceTest, AFactorOfOneIsNone) {
  Array actual = Numbered();
  for (float& value : actual.values) value *= 1.00005F;
  EXPECT_EQ(TextOf(actual).find("times what it should be"), std::string::npos);
}

TEST(DifferenceTest, SaysWhereNumbersDifferAndNeverWhatTheyShouldBe) {
  Array actual = Numbered();
  actual.values[8] += 50;   // [1, 1, 0]
  actual.values[10] += 50;  // [1, 2, 0]
  EXPECT_EQ(TextOf(actual),
            "2 of 12 numbers differ, first at batch row 1, position 1, feature "
            "0 (batch row 1 only; positions 1 to 2 only; feature 0 only); on "
            "the whole they are off by 26 % of the size of the right ones; "
            "everything before position 1 is right");
}

TEST(DifferenceTest, InfinitiesThatAreAskedForAreRight) {
  const float infinity = std::numeric_limits<float>::infinity();
  const Array hidden = {.shape = {2}, .values = {-infinity, 1}};
  EXPECT_TRUE(Agree(hidden, hidden, 1e-5));
}

}  // namespace
}  // namespace kvlab::grading
