// The products against plain loops in double precision, at sizes around every
// edge of the kernels: nothing, one, a vector, a tile, a panel, and one more.
#include "kit/math/linear_algebra.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/kernels/instruction_set_testing.h"
#include "kit/math/threads.h"
#include "kit/math/work.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

constexpr float kUntouched = -77.0F;

// A matrix with a gap after each row, to catch a kernel that takes cols for
// row_stride, or writes beyond a row.
class Gapped {
 public:
  Gapped(std::size_t rows, std::size_t cols)
      : rows_(rows), cols_(cols), values_(rows * (cols + kGap), kUntouched) {}

  static Gapped RandomValues(Random& random, std::size_t rows,
                             std::size_t cols) {
    Gapped matrix(rows, cols);
    for (std::size_t m = 0; m < rows; ++m) {
      for (float& value : matrix.View().Row(m)) {
        value = random.NextUniform(-1.0F, 1.0F);
      }
    }
    return matrix;
  }

  Matrix View() { return {values_.data(), rows_, cols_, cols_ + kGap}; }
  ConstMatrix View() const {
    return {values_.data(), rows_, cols_, cols_ + kGap};
  }

  bool GapsUntouched() const {
    for (std::size_t m = 0; m < rows_; ++m) {
      for (std::size_t i = 0; i < kGap; ++i) {
        if (values_[m * (cols_ + kGap) + cols_ + i] != kUntouched) return false;
      }
    }
    return true;
  }

 private:
  static constexpr std::size_t kGap = 3;
  std::size_t rows_;
  std::size_t cols_;
  std::vector<float> values_;
};

// float32 rounded towards zero to the 16-bit type, and what that means.
std::uint16_t RoundedBits(float value, DType dtype) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if (dtype == DType::kBF16) return static_cast<std::uint16_t>(bits >> 16U);
  const std::uint32_t sign = (bits >> 16U) & 0x8000U;
  const float magnitude = std::abs(value);
  if (magnitude < 0x1p-14F) {  // subnormal: a multiple of 2^-24
    return static_cast<std::uint16_t>(
        sign | static_cast<std::uint32_t>(magnitude * 0x1p24F));
  }
  return static_cast<std::uint16_t>(sign |
                                    (((bits & 0x7FFFFFFFU) >> 13U) - 0x1C000U));
}

// Random weights in [-1, 1), stored one byte off any alignment, as a
// checkpoint may have them.
WeightMatrix RandomWeights(Random& random, DType dtype, WeightLayout layout,
                           std::size_t in, std::size_t out) {
  const std::size_t element = DTypeBytes(dtype);
  auto bytes = std::make_shared<std::vector<std::byte>>(1 + in * out * element);
  for (std::size_t i = 0; i < in * out; ++i) {
    const float value = random.NextUniform(-1.0F, 1.0F);
    std::byte* const address = bytes->data() + 1 + i * element;
    if (dtype == DType::kF32) {
      std::memcpy(address, &value, sizeof(value));
    } else {
      const std::uint16_t bits = RoundedBits(value, dtype);
      std::memcpy(address, &bits, sizeof(bits));
    }
  }
  const std::span<const std::byte> all(*bytes);
  if (layout == WeightLayout::kPanels) {
    return WeightMatrix(bytes, all.subspan(1), dtype, WeightLayout::kInOut, in,
                        out)
        .InPanels();
  }
  return WeightMatrix(bytes, all.subspan(1), dtype, layout, in, out);
}

// Whether out[m, n] = bias[n] + sum over k of left(m, k) * right(k, n).
template <typename Left, typename Right>
::testing::AssertionResult IsProduct(ConstMatrix out, std::size_t depth,
                                     Left left, Right right,
                                     std::span<const float> bias) {
  for (std::size_t m = 0; m < out.rows; ++m) {
    for (std::size_t n = 0; n < out.cols; ++n) {
      double sum = bias.empty() ? 0.0 : bias[n];
      double magnitude = std::abs(sum);
      for (std::size_t k = 0; k < depth; ++k) {
        const double term = static_cast<double>(left(m, k)) * right(k, n);
        sum += term;
        magnitude += std::abs(term);
      }
      // Each product and each addition rounds by up to 2^-24 of its result,
      // up or down, so the error grows like a random walk; 4 deviations
      // (Higham & Mary 2019, SIAM J. Sci. Comput. 41(5), theorem 2.4).
      const double steps = static_cast<double>(depth) + 1.0;
      const double tolerance = 4.0 * 0x1p-24 * std::sqrt(steps) * magnitude;
      if (!(std::abs(out.Row(m)[n] - sum) <= tolerance)) {
        return ::testing::AssertionFailure()
               << "element [" << m << ", " << n << "] of [" << out.rows << ", "
               << out.cols << "] with depth " << depth << " is "
               << out.Row(m)[n] << ", expected " << sum;
      }
    }
  }
  return ::testing::AssertionSuccess();
}

// Rows: none, a few, more than a few, and what is left over after tiles of 6
// or 12.
constexpr std::array<std::size_t, 9> kRowCounts = {0, 1, 2, 3, 5, 6, 8, 13, 25};
// Depths and widths around 8 or 16 lanes, twice as many columns, 64 columns, a
// panel of 256.
constexpr std::array<std::size_t, 9> kSizes = {0, 1, 7, 8, 17, 35, 64, 71, 257};

struct WeightCase {
  DType dtype;
  WeightLayout layout;
  std::string name;
};

void PrintTo(const WeightCase& weight_case, std::ostream* stream) {
  *stream << weight_case.name;
}

class LinearTest : public ::testing::TestWithParam<WeightCase> {
 protected:
  // Given inputs, weights and a bias, when they are multiplied, then every
  // element is what the plain loop says, and no other changed.
  void Check(Random& random, std::size_t rows, std::size_t in,
             std::size_t out_features) {
    const Gapped x = Gapped::RandomValues(random, rows, in);
    const WeightMatrix weight = RandomWeights(
        random, GetParam().dtype, GetParam().layout, in, out_features);
    const Tensor1 bias = RandomTensor1(random, out_features);
    const std::span<const float> bias_span(bias.data(), bias.size());
    WithEveryInstructionSet([&] {
      Gapped out(rows, out_features);
      Linear(Work::kMlp, x.View(), weight, bias_span, out.View());
      const Gapped& result = out;
      ASSERT_TRUE(IsProduct(
          result.View(), in,
          [&](std::size_t m, std::size_t k) { return x.View().Row(m)[k]; },
          [&](std::size_t k, std::size_t n) { return weight.At(k, n); },
          bias_span));
      ASSERT_TRUE(out.GapsUntouched());
    });
  }
};

TEST_P(LinearTest, IsTheProductPlusBiasAtEverySize) {
  Random random(11);
  for (const std::size_t rows : kRowCounts) {
    for (const std::size_t in : kSizes) {
      for (const std::size_t out_features : kSizes) {
        Check(random, rows, in, out_features);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// More rows, and deeper, than what is packed at once: 504 and 768.
TEST_P(LinearTest, IsTheProductPlusBiasWhereSeveralBlocksMeet) {
  Random random(16);
  Check(random, 507, 770, 67);
}

std::vector<WeightCase> EveryTypeAndLayout() {
  std::vector<WeightCase> cases;
  for (const auto& [dtype, type_name] : {std::pair{DType::kF32, "F32"},
                                         {DType::kF16, "F16"},
                                         {DType::kBF16, "BF16"}}) {
    for (const auto& [layout, layout_name] :
         {std::pair{WeightLayout::kInOut, "InOut"},
          {WeightLayout::kOutIn, "OutIn"},
          {WeightLayout::kPanels, "Panels"}}) {
      cases.push_back({dtype, layout, std::string(type_name) + layout_name});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Weights, LinearTest,
                         ::testing::ValuesIn(EveryTypeAndLayout()),
                         [](const auto& test) { return test.param.name; });

// Each thread computes whole sums.
TEST(LinearThreadsTest, DoNotChangeASingleBit) {
  Random random(15);
  std::vector<float> bias(400);
  for (float& value : bias) value = random.NextUniform(-1, 1);
  for (const std::size_t rows : {1, 4, 25}) {
    for (const WeightLayout layout :
         {WeightLayout::kInOut, WeightLayout::kOutIn, WeightLayout::kPanels}) {
      const Gapped x = Gapped::RandomValues(random, rows, 70);
      const WeightMatrix weight =
          RandomWeights(random, DType::kF16, layout, 70, 400);
      WithEveryInstructionSet([&] {
        Tensor2 one = Tensor2::from_shape({rows, 400});
        Linear(Work::kMlp, x.View(), weight, bias, Rows(one));
        for (const std::size_t threads : {2, 3, 8}) {
          SetThreads(threads);
          Tensor2 more = Tensor2::from_shape({rows, 400});
          Linear(Work::kMlp, x.View(), weight, bias, Rows(more));
          EXPECT_TRUE(Near(more, one, 0.0F)) << threads << " threads";
        }
        SetThreads(1);
      });
    }
  }
}

TEST(LinearBiasTest, NoneMeansZero) {
  const WeightMatrix weight = WeightMatrix::FromFloats(
      std::vector<float>{2, 3}, WeightLayout::kInOut, 1, 2);
  const Tensor2 x = {{10}};
  Tensor2 out = Tensor2::from_shape({1, 2});
  Linear(Work::kMlp, Rows(x), weight, {}, Rows(out));
  EXPECT_TRUE(Near(out, Tensor2{{20, 30}}, 0.0F));
}

TEST(MatMulTest, IsTheProductAtEverySize) {
  Random random(12);
  for (const std::size_t m : kRowCounts) {
    for (const std::size_t k : kSizes) {
      for (const std::size_t n : kSizes) {
        const Gapped a = Gapped::RandomValues(random, m, k);
        const Gapped b = Gapped::RandomValues(random, k, n);
        WithEveryInstructionSet([&] {
          Gapped out(m, n);
          MatMul(Work::kAttention, a.View(), b.View(), out.View());
          const Gapped& result = out;
          ASSERT_TRUE(IsProduct(
              result.View(), k,
              [&](std::size_t i, std::size_t j) { return a.View().Row(i)[j]; },
              [&](std::size_t i, std::size_t j) { return b.View().Row(i)[j]; },
              {}));
          ASSERT_TRUE(out.GapsUntouched());
        });
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(MatMulTransposedTest, IsTheProductAtEverySize) {
  Random random(13);
  for (const std::size_t m : kRowCounts) {
    for (const std::size_t k : kSizes) {
      for (const std::size_t n : kSizes) {
        const Gapped a = Gapped::RandomValues(random, m, k);
        const Gapped b = Gapped::RandomValues(random, n, k);
        WithEveryInstructionSet([&] {
          Gapped out(m, n);
          MatMulTransposed(Work::kAttention, a.View(), b.View(), out.View());
          const Gapped& result = out;
          ASSERT_TRUE(IsProduct(
              result.View(), k,
              [&](std::size_t i, std::size_t j) { return a.View().Row(i)[j]; },
              [&](std::size_t i, std::size_t j) { return b.View().Row(j)[i]; },
              {}));
          ASSERT_TRUE(out.GapsUntouched());
        });
        if (HasFatalFailure()) return;
      }
    }
  }
}

// A cache fills what it has not written with NaN, and attention masks with
// -infinity: neither may leak from unread elements, nor vanish.
TEST(MatMulTest, NotANumberStaysInItsRow) {
  Tensor2 a = xt::ones<float>({20, 20});
  a(3, 5) = std::numeric_limits<float>::quiet_NaN();
  const Tensor2 b = xt::ones<float>({20, 20});
  Tensor2 out = Tensor2::from_shape({20, 20});
  MatMul(Work::kAttention, Rows(a), Rows(b), Rows(out));
  for (std::size_t m = 0; m < 20; ++m) {
    EXPECT_EQ(std::isnan(out(m, 0)), m == 3) << "row " << m;
  }
}

TEST(WorkTest, ProductsCountTheirMultiplyAccumulates) {
  Random random(14);
  const Tensor2 x = RandomTensor2(random, {3, 5});
  const WeightMatrix weight =
      RandomWeights(random, DType::kF16, WeightLayout::kInOut, 5, 7);
  Tensor2 linear = Tensor2::from_shape({3, 7});
  const Tensor2 keys = RandomTensor2(random, {11, 5});
  Tensor2 scores = Tensor2::from_shape({3, 11});
  Tensor2 attended = Tensor2::from_shape({3, 5});
  const WorkCounts before = CountedWork();
  Linear(Work::kQkv, Rows(x), weight, {}, Rows(linear));
  MatMulTransposed(Work::kAttention, Rows(x), Rows(keys), Rows(scores));
  MatMul(Work::kAttention, Rows(scores), Rows(keys), Rows(attended));
  const WorkCounts counted = CountedWork() - before;
  EXPECT_EQ(counted[Work::kQkv], 3U * 5 * 7);
  EXPECT_EQ(counted[Work::kAttention], 3U * 5 * 11 + 3U * 11 * 5);
  EXPECT_EQ(counted.Total(), 3U * 5 * 7 + 2 * 3U * 5 * 11);
}

// Given a product whose shapes disagree, both shapes are named, and neither
// the result nor the counters change.
class ShapeErrorTest : public ::testing::Test {
 protected:
  template <typename Action>
  void ExpectError(Action action, const std::string& what,
                   const std::string& why) {
    out_.fill(kUntouched);
    const WorkCounts before = CountedWork();
    const std::string message = MessageOf<ContractError>(action);
    EXPECT_NE(message.find(what), std::string::npos) << message;
    EXPECT_NE(message.find(why), std::string::npos) << message;
    EXPECT_EQ(CountedWork(), before);
    for (const float value : out_) EXPECT_EQ(value, kUntouched);
  }

  const Tensor2 x_ = xt::ones<float>({2, 3});
  const Tensor2 other_ = xt::ones<float>({4, 5});
  const WeightMatrix weight_ = WeightMatrix::FromFloats(
      std::vector<float>(12), WeightLayout::kInOut, 3, 4);
  Tensor2 out_ = Tensor2::from_shape({2, 5});
};

TEST_F(ShapeErrorTest, LinearNamesInputAndWeight) {
  ExpectError(
      [&] { Linear(Work::kMlp, Rows(other_), weight_, {}, Rows(out_)); },
      "Linear: x has the wrong shape",
      "it is [4, 5], expected [4, 3] with weight [3, 4]");
}

TEST_F(ShapeErrorTest, LinearNamesOutput) {
  ExpectError([&] { Linear(Work::kMlp, Rows(x_), weight_, {}, Rows(out_)); },
              "Linear: out has the wrong shape",
              "it is [2, 5], expected [2, 4] with x [2, 3]");
}

TEST_F(ShapeErrorTest, LinearNamesBias) {
  Tensor2 out = Tensor2::from_shape({2, 4});
  const std::vector<float> bias(3);
  ExpectError([&] { Linear(Work::kMlp, Rows(x_), weight_, bias, Rows(out)); },
              "Linear: bias has the wrong size",
              "it is [3], expected [4] with weight [3, 4]");
}

TEST_F(ShapeErrorTest, MatMulNamesBothFactors) {
  ExpectError(
      [&] { MatMul(Work::kAttention, Rows(x_), Rows(other_), Rows(out_)); },
      "MatMul: b has the wrong shape",
      "it is [4, 5], expected [3, 5] with a [2, 3]");
}

TEST_F(ShapeErrorTest, MatMulTransposedNamesBothFactors) {
  ExpectError(
      [&] {
        MatMulTransposed(Work::kAttention, Rows(x_), Rows(other_), Rows(out_));
      },
      "MatMulTransposed: b has the wrong shape",
      "it is [4, 5], expected [4, 3] with a [2, 3]");
}

TEST_F(ShapeErrorTest, MatMulTransposedNamesOutput) {
  ExpectError(
      [&] {
        MatMulTransposed(Work::kAttention, Rows(x_), Rows(x_), Rows(out_));
      },
      "MatMulTransposed: out has the wrong shape",
      "it is [2, 5], expected [2, 2] with b [2, 3]");
}

}  // namespace
}  // namespace kvlab
