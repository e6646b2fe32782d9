// Keeps the promises of power_law.h.
#include "modules/04_profiling/power_law.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/gpt2_weights.h"
#include "kit/random.h"
#include "modules/04_profiling/cost.h"

namespace kvlab {
namespace {

// Logarithms and their sums in double precision.
constexpr double kRounding = 1e-9;

const std::vector<double>& Lengths() {
  static const std::vector<double> lengths = {10, 25, 50, 100, 200, 500};
  return lengths;
}

std::vector<double> PowersOf(const std::vector<double>& x, double factor,
                             double exponent) {
  std::vector<double> y;
  y.reserve(x.size());
  for (const double value : x) y.push_back(factor * std::pow(value, exponent));
  return y;
}

TEST(FitPowerLawTest, FindsTheLawThatMadeThePoints) {
  for (const double exponent : {-1.0, 0.0, 0.5, 1.0, 2.0, 3.0}) {
    for (const double factor : {1e-9, 0.25, 4e6}) {
      const PowerLaw law =
          FitPowerLaw(Lengths(), PowersOf(Lengths(), factor, exponent), 0.95);
      EXPECT_NEAR(law.exponent, exponent, kRounding);
      EXPECT_NEAR(law.factor / factor, 1.0, kRounding);
      // Nothing remains beside the line, so nothing is uncertain.
      EXPECT_NEAR(law.exponent_low, exponent, 1e-6);
      EXPECT_NEAR(law.exponent_high, exponent, 1e-6);
      EXPECT_NEAR(law.At(70) / (factor * std::pow(70, exponent)), 1.0,
                  kRounding);
    }
  }
}

// By hand: log x = 0, 1, 2, 3 and log y = 0, 3, 3, 6 lie around 0.3 + 1.8 log
// x with distances -0.3, 0.9, -0.9, 0.3. Their squares sum to 1.8, so with 2
// degrees of freedom the standard error is sqrt(0.9 / 5) and the interval 4.303
// of those to either side.
TEST(FitPowerLawTest, AgreesWithACalculationByHand) {
  constexpr double kE = std::numbers::e;
  const std::vector<double> x = {1, kE, std::pow(kE, 2), std::pow(kE, 3)};
  const std::vector<double> y = {1, std::pow(kE, 3), std::pow(kE, 3),
                                 std::pow(kE, 6)};
  const PowerLaw law = FitPowerLaw(x, y, 0.95);
  EXPECT_NEAR(law.exponent, 1.8, kRounding);
  EXPECT_NEAR(law.factor, std::exp(0.3), kRounding);
  const double reach = 4.302652729749464 * std::sqrt(0.18);
  EXPECT_NEAR(law.exponent_low, 1.8 - reach, 1e-8);
  EXPECT_NEAR(law.exponent_high, 1.8 + reach, 1e-8);

  // A surer interval is a wider one: t is 9.925 for 0.99.
  const PowerLaw surer = FitPowerLaw(x, y, 0.99);
  EXPECT_NEAR(surer.exponent_high, 1.8 + 9.92484320 * std::sqrt(0.18), 1e-7);
}

TEST(FitPowerLawTest, DoesNotMindTheOrderOfThePoints) {
  const std::vector<double> x = {1, 10, 100, 1000};
  const std::vector<double> y = {2, 30, 150, 3100};
  const std::vector<double> shuffled_x = {100, 1, 1000, 10};
  const std::vector<double> shuffled_y = {150, 2, 3100, 30};
  const PowerLaw law = FitPowerLaw(x, y, 0.95);
  const PowerLaw shuffled = FitPowerLaw(shuffled_x, shuffled_y, 0.95);
  EXPECT_NEAR(law.exponent, shuffled.exponent, kRounding);
  EXPECT_NEAR(law.exponent_low, shuffled.exponent_low, kRounding);
}

// Times scatter by a factor. The interval must hold the true exponent as often
// as it says: 950 of 1000 times. Chance moves that count by 7 (one standard
// deviation), the test allows 30; a normal 1.96 in place of Student's t, with
// 4 degrees of freedom, would hold it 880 times.
TEST(FitPowerLawTest, TheIntervalHoldsTheTruthAsOftenAsItSays) {
  constexpr std::uint64_t kSeed = 64;
  Random random(kSeed);
  const auto normal = [&] {  // the sum of 12 uniform numbers
    double sum = -6;
    for (std::size_t i = 0; i < 12; ++i) sum += random.NextUniform();
    return sum;
  };
  std::size_t held = 0;
  for (std::size_t run = 0; run < 1000; ++run) {
    std::vector<double> y = PowersOf(Lengths(), 3e-6, 2.0);
    for (double& value : y) value *= std::exp(0.1 * normal());
    const PowerLaw law = FitPowerLaw(Lengths(), y, 0.95);
    if (law.exponent_low <= 2.0 && 2.0 <= law.exponent_high) ++held;
  }
  EXPECT_NEAR(static_cast<double>(held), 950, 30) << "seed " << kSeed;
}

// What the course claims, on counted work: while a model's linear layers are
// most of it, a generation of n tokens is quadratic without a cache and linear
// with one. The constant head and the cubic attention bend either line a
// little.
TEST(FitPowerLawTest, WorkIsNearlyQuadraticWithoutACacheAndLinearWithOne) {
  const Gpt2Config gpt2 = {.num_layers = 12,
                           .num_heads = 12,
                           .d_model = 768,
                           .d_mlp = 3072,
                           .max_positions = 1024,
                           .vocab_size = 50257};
  std::vector<double> without;
  std::vector<double> with;
  for (const double length : Lengths()) {
    const GenerationShape shape = {
        .prompt_len = 1, .new_tokens = static_cast<std::size_t>(length)};
    without.push_back(static_cast<double>(
        GenerationWork(gpt2, shape, Caching::kOff).Total()));
    with.push_back(
        static_cast<double>(GenerationWork(gpt2, shape, Caching::kOn).Total()));
  }
  EXPECT_NEAR(FitPowerLaw(Lengths(), without, 0.95).exponent, 2.0, 0.15);
  EXPECT_NEAR(FitPowerLaw(Lengths(), with, 0.95).exponent, 1.0, 0.05);
}

TEST(FitPowerLawTest, RefusesPointsThatAllowNoFit) {
  const std::vector<double> three = {1, 2, 3};
  EXPECT_NO_THROW(FitPowerLaw(three, three, 0.95));
  const std::vector<double> two = {1, 2};
  EXPECT_THROW(FitPowerLaw(two, two, 0.95), ContractError);
  EXPECT_THROW(FitPowerLaw(three, two, 0.95), ContractError);
  EXPECT_THROW(FitPowerLaw({}, {}, 0.95), ContractError);
  const std::vector<double> equal = {5, 5, 5};
  EXPECT_THROW(FitPowerLaw(equal, three, 0.95), ContractError);
  for (const double bad : {0.0, -1.0, std::numeric_limits<double>::infinity(),
                           std::numeric_limits<double>::quiet_NaN()}) {
    for (std::size_t i = 0; i < 3; ++i) {
      std::vector<double> wrong = three;
      wrong[i] = bad;
      EXPECT_THROW(FitPowerLaw(wrong, three, 0.95), ContractError) << bad;
      EXPECT_THROW(FitPowerLaw(three, wrong, 0.95), ContractError) << bad;
    }
  }
  EXPECT_THROW(FitPowerLaw(three, three, 95), ContractError);
}

}  // namespace
}  // namespace kvlab
