// Tests the contract of power_law.h.
#include "modules/04_profiling/power_law.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/measure/student_t.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
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
      // There are no residuals, so nothing is uncertain.
      EXPECT_NEAR(law.exponent_low, exponent, 1e-6);
      EXPECT_NEAR(law.exponent_high, exponent, 1e-6);
      EXPECT_NEAR(law.At(70) / (factor * std::pow(70, exponent)), 1.0,
                  kRounding);
    }
  }
}

// The same line by the sums of squares and products themselves, in long double;
// y is off its law by a random factor.
PowerLaw SlowFit(const std::vector<double>& x, const std::vector<double>& y,
                 double confidence) {
  const auto n = static_cast<long double>(x.size());
  long double sx = 0;
  long double sy = 0;
  long double sxx = 0;
  long double sxy = 0;
  long double syy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double a = std::log(static_cast<long double>(x[i]));
    const long double b = std::log(static_cast<long double>(y[i]));
    sx += a;
    sy += b;
    sxx += a * a;
    sxy += a * b;
    syy += b * b;
  }
  const long double slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  const long double remaining =
      (syy - sy * sy / n) - slope * (sxy - sx * sy / n);
  const long double error =
      std::sqrt(remaining / (n - 2) / (sxx - sx * sx / n));
  const long double reach = StudentT(confidence, x.size() - 2) * error;
  return {.factor = static_cast<double>(std::exp((sy - slope * sx) / n)),
          .exponent = static_cast<double>(slope),
          .exponent_low = static_cast<double>(slope - reach),
          .exponent_high = static_cast<double>(slope + reach)};
}

// Every number of points from 3 to 50 and some more, with confidences low and
// high, factors from 1e-12 to 1e12, and lengths around 10 as well as around
// 10^9, whose logarithms are close together and far from 0. Half of the points
// share their x with another.
TEST(FitPowerLawTest, AgreesWithASlowerFit) {
  Random random(81);
  std::vector<std::size_t> counts(48);
  std::iota(counts.begin(), counts.end(), std::size_t{3});
  counts.insert(counts.end(), {65, 257, 300});
  for (const std::size_t n : counts) {
    for (const double confidence : {0.5, 0.8, 0.95, 0.999}) {
      for (const double start : {0.01, 10.0, 1e9}) {
        const double exponent = 6 * random.NextUniform() - 3;
        const double factor = std::pow(10, 24 * random.NextUniform() - 12);
        std::vector<double> x;
        std::vector<double> y;
        for (std::size_t i = 0; i < n; ++i) {
          const bool again = i % 4 == 3;
          x.push_back(again ? x.back()
                            : start * (1 + static_cast<double>(i) *
                                               random.NextUniform()));
          const double off = 0.2 * (random.NextUniform() - 0.5);
          y.push_back(factor * std::pow(x.back() / start, exponent) *
                      std::exp(off));
        }
        const PowerLaw law = FitPowerLaw(x, y, confidence);
        const PowerLaw slow = SlowFit(x, y, confidence);
        SCOPED_TRACE(std::to_string(n) + " points from " +
                     std::to_string(start) + " on, confidence " +
                     std::to_string(confidence));
        // Logarithms up to 50 in double precision, a slope over a spread of 1
        EXPECT_NEAR(law.exponent, slow.exponent, 1e-9);
        EXPECT_NEAR(std::log(law.factor), std::log(slow.factor), 1e-7);
        EXPECT_NEAR(law.exponent_low, slow.exponent_low, 1e-6);
        EXPECT_NEAR(law.exponent_high, slow.exponent_high, 1e-6);
        // Near 1 the logarithms are small: double precision shows.
        if (start < 1e9) {
          EXPECT_NEAR((law.exponent_high - law.exponent_low) /
                          (slow.exponent_high - slow.exponent_low),
                      1, 1e-9);
        }
      }
    }
  }
}

// By hand: log x = 0, 1, 2, 3 and log y = 0, 3, 3, 6 scatter around 0.3 + 1.8
// log x with residuals -0.3, 0.9, -0.9, 0.3. Their squares sum to 1.8, so with
// 2 degrees of freedom the standard error is sqrt(0.9 / 5) and the interval
// 4.303 of those to either side.
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

  // A higher confidence widens the interval: t is 9.925 for 0.99.
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
  EXPECT_NEAR(law.factor, shuffled.factor, kRounding);
  EXPECT_NEAR(law.exponent_low, shuffled.exponent_low, kRounding);
  EXPECT_NEAR(law.exponent_high, shuffled.exponent_high, kRounding);
}

TEST(FitPowerLawTest, TwoDifferentLengthsAreEnough) {
  // One measured twice: the line goes through its middle and through the other.
  for (const std::vector<double>& x :
       {std::vector<double>{2, 2, 8}, {2, 8, 2}, {8, 2, 2}}) {
    std::vector<double> y;
    bool first = true;
    for (const double value : x) {
      if (value == 8) {
        y.push_back(64);
      } else {
        y.push_back(first ? 2 : 8);  // 4 in the middle
        first = false;
      }
    }
    const PowerLaw law = FitPowerLaw(x, y, 0.95);
    EXPECT_NEAR(law.exponent, 2, kRounding);
    EXPECT_NEAR(law.factor, 1, kRounding);
    EXPECT_LT(law.exponent_low, 2);
    EXPECT_GT(law.exponent_high, 2);
  }
}

// Times scatter by a factor. The interval must contain the true exponent as
// often as promised: 950 of 1000 times. Chance moves that count by 7 (one
// standard deviation), the test allows 30; a normal 1.96 in place of Student's
// t, with
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

// The course's claim, on counted work: while a model's linear layers are most
// of it, a generation of n tokens is quadratic without a cache and linear with
// one. The constant head and the cubic attention bend either line a little.
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
  EXPECT_THROW(FitPowerLaw(two, three, 0.95), ContractError);
  const std::vector<double> four = {1, 2, 3, 4};
  EXPECT_THROW(FitPowerLaw(four, three, 0.95), ContractError);
  EXPECT_THROW(FitPowerLaw(three, four, 0.95), ContractError);
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
  for (const double confidence : {-0.5, 0.0, 1.0, 95.0}) {
    EXPECT_THROW(FitPowerLaw(three, three, confidence), ContractError);
  }
}

}  // namespace
}  // namespace kvlab
