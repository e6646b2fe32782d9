#include "kit/measure/student_t.h"

#include <cstddef>

#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab {
namespace {

// Abramowitz & Stegun 1964, table 26.10, printed to three decimals.
TEST(StudentTTest, AgreesWithThePrintedTable) {
  constexpr double kPrinted = 5e-4;
  EXPECT_NEAR(StudentT(0.95, 1), 12.706, kPrinted);
  EXPECT_NEAR(StudentT(0.95, 2), 4.303, kPrinted);
  EXPECT_NEAR(StudentT(0.95, 3), 3.182, kPrinted);
  EXPECT_NEAR(StudentT(0.95, 4), 2.776, kPrinted);
  EXPECT_NEAR(StudentT(0.95, 10), 2.228, kPrinted);
  EXPECT_NEAR(StudentT(0.95, 29), 2.045, kPrinted);
  EXPECT_NEAR(StudentT(0.95, 120), 1.980, kPrinted);
  EXPECT_NEAR(StudentT(0.99, 5), 4.032, kPrinted);
  EXPECT_NEAR(StudentT(0.8, 7), 1.415, kPrinted);
}

// With 2 degrees of freedom there is a closed form: p sqrt(2 / (1 - p^2)).
TEST(StudentTTest, AgreesWithTheClosedForm) {
  // 1e-12: halvings to the last bit of a double, then a tangent and a root
  EXPECT_NEAR(StudentT(0.6, 2), 0.6 * 1.7677669529663689, 1e-12);
}

TEST(StudentTTest, NeedsAConfidenceAndADegreeOfFreedom) {
  EXPECT_THROW(StudentT(0.0, 3), ContractError);
  EXPECT_THROW(StudentT(1.0, 3), ContractError);
  EXPECT_THROW(StudentT(95.0, 3), ContractError);
  EXPECT_THROW(StudentT(0.95, 0), ContractError);
}

}  // namespace
}  // namespace kvlab
