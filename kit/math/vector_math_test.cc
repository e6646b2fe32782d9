#include "kit/math/vector_math.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "kit/kernels/instruction_set_testing.h"

namespace kvlab {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// From -20 to 20 in steps that hit no round number.
std::vector<float> Sweep() {
  std::vector<float> values;
  for (float x = -20.0F; x < 20.0F; x += 0.0137F) values.push_back(x);
  return values;
}

TEST(ExpInPlaceTest, RelativeErrorIsBelowOneInAMillion) {
  WithEveryInstructionSet([] {
    const std::vector<float> x = Sweep();
    std::vector<float> y = x;
    ExpInPlace(y);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = std::exp(static_cast<double>(x[i]));
      ASSERT_NEAR(y[i] / expected, 1.0, 1e-6) << "exp(" << x[i] << ")";
    }
  });
}

TEST(ExpInPlaceTest, ItsEdges) {
  WithEveryInstructionSet([] {
    std::vector<float> y = {-kInfinity, -200.0F, 0.0F, kInfinity, kNan};
    ExpInPlace(y);
    EXPECT_EQ(y[0], 0.0F);
    EXPECT_EQ(y[1], 0.0F);
    EXPECT_EQ(y[2], 1.0F);
    EXPECT_EQ(y[3], kInfinity);
    EXPECT_TRUE(std::isnan(y[4]));
  });
}

TEST(TanhInPlaceTest, AbsoluteErrorIsBelowOneInAMillion) {
  WithEveryInstructionSet([] {
    const std::vector<float> x = Sweep();
    std::vector<float> y = x;
    TanhInPlace(y);
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(y[i], std::tanh(static_cast<double>(x[i])), 1e-6)
          << "tanh(" << x[i] << ")";
    }
  });
}

TEST(TanhInPlaceTest, ItsEdges) {
  WithEveryInstructionSet([] {
    std::vector<float> y = {-kInfinity, -100.0F, 0.0F, 100.0F, kInfinity, kNan};
    TanhInPlace(y);
    EXPECT_EQ(y[0], -1.0F);
    EXPECT_EQ(y[1], -1.0F);
    EXPECT_EQ(y[2], 0.0F);
    EXPECT_EQ(y[3], 1.0F);
    EXPECT_EQ(y[4], 1.0F);
    EXPECT_TRUE(std::isnan(y[5]));
  });
}

// Lengths around the lanes of a vector, eight or sixteen; elements beyond stay
// unchanged.
TEST(VectorMathTest, EveryLengthIsHandledToItsEndAndNotBeyond) {
  WithEveryInstructionSet([] {
    for (std::size_t size = 0; size <= 35; ++size) {
      std::vector<float> exps(40, 1.0F);
      std::vector<float> tanhs(40, 1.0F);
      ExpInPlace({exps.data(), size});
      TanhInPlace({tanhs.data(), size});
      for (std::size_t i = 0; i < exps.size(); ++i) {
        // 1e-6: what the header promises
        EXPECT_NEAR(exps[i], i < size ? std::exp(1.0F) : 1.0F, 1e-6F);
        EXPECT_NEAR(tanhs[i], i < size ? std::tanh(1.0F) : 1.0F, 1e-6F);
      }
    }
  });
}

}  // namespace
}  // namespace kvlab
