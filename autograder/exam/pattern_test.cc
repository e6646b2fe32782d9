// Every pattern that is reported to authors, on an answer that has it.
#include "autograder/exam/pattern.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "autograder/exam/difference.h"
#include "gtest/gtest.h"
#include "kit/model/random.h"

namespace kvlab::grading {
namespace {

// [2 batch rows, 6 positions, 5 features], signs mixed, no two alike.
Array Right() {
  Random random(3);
  Array array = {.shape = {2, 6, 5}, .values = {}};
  for (int i = 0; i < 60; ++i) {
    const float size = random.NextUniform(0.5F, 3.0F);
    array.values.push_back(random.NextUniform() < 0.5F ? size : -size);
  }
  return array;
}

std::size_t At(std::size_t b, std::size_t s, std::size_t f) {
  return (b * 6 + s) * 5 + f;
}

std::string TextOf(const Array& actual) {
  return Difference(actual, Right(), 1e-5, kTokenAxes).value_or("none");
}

// Whether the author of `actual` reads `words`.
::testing::AssertionResult Says(const Array& actual, const std::string& words) {
  const std::string text = TextOf(actual);
  if (text.find(words) != std::string::npos) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << "not '" << words << "' but " << text;
}

TEST(PatternTest, KnowsASign) {
  Array actual = Right();
  for (float& value : actual.values) value = -value;
  EXPECT_TRUE(Says(actual, "every number has the wrong sign"));
}

TEST(PatternTest, KnowsExchangedAxes) {
  const Array right = Right();
  Array actual = right;
  std::size_t at = 0;
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t f = 0; f < 5; ++f) {
      for (std::size_t s = 0; s < 6; ++s) {
        actual.values[at++] = right.values[At(b, s, f)];
      }
    }
  }
  EXPECT_TRUE(Says(actual, "position and feature have changed places"));
}

TEST(PatternTest, KnowsAShiftByOne) {
  const Array right = Right();
  Array late = right;
  Array early = right;
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t f = 0; f < 5; ++f) {
      for (std::size_t s = 0; s + 1 < 6; ++s) {
        late.values[At(b, s + 1, f)] = right.values[At(b, s, f)];
        early.values[At(b, s, f)] = right.values[At(b, s + 1, f)];
      }
    }
  }
  EXPECT_TRUE(Says(late,
                   "every position holds what belongs to the one before "
                   "it: shifted by one"));
  EXPECT_TRUE(Says(early,
                   "every position holds what belongs to the one after "
                   "it: shifted by one"));
}

TEST(PatternTest, KnowsRowsThatTradePlaces) {
  Array actual = Right();
  for (std::size_t i = 0; i < 30; ++i) {
    std::swap(actual.values[i], actual.values[30 + i]);
  }
  EXPECT_TRUE(
      Says(actual, "every batch row holds what belongs to another one"));
}

TEST(PatternTest, KnowsAnotherOrder) {
  Array actual = Right();
  std::swap(actual.values[3], actual.values[40]);
  std::swap(actual.values[7], actual.values[22]);
  EXPECT_TRUE(Says(actual, "the right numbers in another order"));
}

TEST(PatternTest, KnowsAFactorOfEachRow) {
  Array actual = Right();
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    const std::size_t row = i / 5;
    actual.values[i] *= 1.5F + static_cast<float>(row) * 0.1F;
  }
  EXPECT_TRUE(
      Says(actual, "each position is right but for a factor of its own"));
}

TEST(PatternTest, KnowsANumberAddedToEachRow) {
  Array actual = Right();
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    const std::size_t row = i / 5;
    actual.values[i] += 1.0F + static_cast<float>(row);
  }
  EXPECT_TRUE(Says(actual, "each position is right but for one number added"));
}

TEST(PatternTest, KnowsWhatIsAddedToAll) {
  Array actual = Right();
  for (std::size_t s = 2; s < 6; ++s) {
    for (std::size_t f = 0; f < 5; ++f) actual.values[At(1, s, f)] += 0.5F;
  }
  EXPECT_TRUE(Says(actual, "off by the same amount"));
}

TEST(PatternTest, KnowsLowPrecision) {
  Array actual = Right();
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    actual.values[i] *= i % 2 == 0 ? 1.0005F : 0.9997F;
  }
  EXPECT_TRUE(Says(actual, "nearly right"));
  EXPECT_TRUE(Says(actual, "low precision"));
}

TEST(PatternTest, KnowsASmallTerm) {
  Array actual = Right();
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    actual.values[i] *= i % 2 == 0 ? 1.02F : 0.99F;
  }
  EXPECT_TRUE(Says(actual, "close to right"));
}

TEST(PatternTest, KnowsWhereItBegins) {
  Array actual = Right();
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t s = 3; s < 6; ++s) {
      for (std::size_t f = 0; f < 5; ++f) {
        actual.values[At(b, s, f)] += static_cast<float>(3 * f + s);
      }
    }
  }
  EXPECT_TRUE(Says(actual, "everything before position 3 is right"));
}

TEST(PatternTest, KnowsTheLastOne) {
  Array actual = Right();
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t f = 0; f < 5; ++f) actual.values[At(b, 5, f)] = 0;
  }
  EXPECT_TRUE(Says(actual, "only the last position is wrong"));
  EXPECT_TRUE(Says(actual, "zeros came back there"));
}

// What is lost at the end often makes the rest wrong as well.
TEST(PatternTest, KnowsAnEndOfZerosWhateverElseIsWrong) {
  Array actual = Right();
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    if (i % 5 >= 3) actual.values[i] = 0;
    actual.values[i] *= 1.0F + 0.1F * static_cast<float>(i % 7);
  }
  EXPECT_TRUE(Says(actual, "from feature 3 on every number is 0"));
}

TEST(PatternTest, KnowsWhatShouldBeZero) {
  Array right = Right();
  for (std::size_t f = 0; f < 5; ++f) right.values[At(0, 0, f)] = 0;
  const std::string text =
      Difference(Right(), right, 1e-5, kTokenAxes).value_or("");
  EXPECT_NE(text.find("the right numbers there are zeros"), std::string::npos)
      << text;
}

TEST(PatternTest, KnowsOneSignFromTheOther) {
  Array actual = Right();
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    float& value = actual.values[i];
    if (value < 0) value = std::exp(value) + static_cast<float>(i);
  }
  EXPECT_TRUE(Says(actual, "only where the right number is negative"));
}

TEST(PatternTest, KnowsACap) {
  Array actual = Right();
  for (float& value : actual.values) value = std::min(value, 2.0F);
  EXPECT_TRUE(Says(actual, "2 came back for everything beyond it"));
}

// A pattern that random errors have by chance would mislead.
TEST(PatternTest, SaysNothingOfNoise) {
  Random random(8);
  Array actual = Right();
  for (float& value : actual.values) value += random.NextUniform(-2.0F, 2.0F);
  EXPECT_EQ(PatternOfAll(actual, Right(), 1e-5, kTokenAxes), "");
  EXPECT_EQ(PatternOfDiffering(actual, Right(), 1e-5, kTokenAxes), "");
}

}  // namespace
}  // namespace kvlab::grading
