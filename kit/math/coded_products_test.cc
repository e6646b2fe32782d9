// Products with codes against plain loops in double precision, at sizes around
// every edge: less than a vector of codes, one, 64, more; groups of one row, of
// less than a vector, of all; one row, a few, many.
#include "kit/math/coded_products.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/kernels/instruction_set_testing.h"
#include "kit/math/work.h"
#include "kit/model/random.h"
#include "kit/tensor/coded_matrix.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

constexpr float kUntouched = -77.0F;

struct Sizes {
  std::size_t left_rows;
  std::size_t group;
  std::size_t rows;
  std::size_t cols;
};

std::string Text(const Sizes& sizes) {
  return std::to_string(sizes.left_rows) + " rows times " +
         std::to_string(sizes.rows) + " rows of " + std::to_string(sizes.cols) +
         " codes in groups of " + std::to_string(sizes.group);
}

// Codes one byte after an allocation, so that no row is aligned, and ranges
// that all differ.
class Coded {
 public:
  Coded(Random& random, const Sizes& sizes)
      : sizes_(sizes), codes_(1 + sizes.rows * sizes.cols) {
    for (std::uint8_t& code : codes_) {
      code = static_cast<std::uint8_t>(random.NextUniform(0.0F, 255.99F));
    }
    const std::size_t groups = (sizes.rows + sizes.group - 1) / sizes.group;
    by_column_ = Ranges(random, groups * sizes.cols);
    by_row_ = Ranges(random, sizes.rows);
  }

  CodedByColumn ByColumn() const {
    return {.codes = codes_.data() + 1,
            .ranges = by_column_.data(),
            .rows = sizes_.rows,
            .cols = sizes_.cols,
            .group = sizes_.group};
  }
  CodedByRow ByRow() const {
    return {.codes = codes_.data() + 1,
            .ranges = by_row_.data(),
            .rows = sizes_.rows,
            .cols = sizes_.cols};
  }
  // The range and the code of an element.
  const CodeRange& RangeByColumn(std::size_t row, std::size_t col) const {
    return by_column_[row / sizes_.group * sizes_.cols + col];
  }
  const CodeRange& RangeByRow(std::size_t row) const { return by_row_[row]; }
  double Code(std::size_t row, std::size_t col) const {
    return codes_[1 + row * sizes_.cols + col];
  }

 private:
  static std::vector<CodeRange> Ranges(Random& random, std::size_t count) {
    std::vector<CodeRange> ranges(count);
    for (CodeRange& range : ranges) {
      range = {.zero = random.NextUniform(-1.0F, 1.0F),
               .scale = random.NextUniform(0.0F, 0.01F)};
    }
    return ranges;
  }

  Sizes sizes_;
  std::vector<std::uint8_t> codes_;
  std::vector<CodeRange> by_column_;
  std::vector<CodeRange> by_row_;
};

// One term of a product: a factor, and a number in codes.
struct Term {
  double factor = 0;
  CodeRange range;
  double code = 0;
};

// Whether out[m, n] is the sum over k of the terms term(m, n, k), within the
// bound that the header states.
template <typename TermOf>
::testing::AssertionResult IsProduct(const Tensor2& out, std::size_t depth,
                                     const TermOf& term_of) {
  for (std::size_t m = 0; m < out.shape(0); ++m) {
    for (std::size_t n = 0; n < out.shape(1); ++n) {
      double sum = 0;
      double magnitude = 0;
      for (std::size_t k = 0; k < depth; ++k) {
        const Term term = term_of(m, n, k);
        const double zero = term.range.zero;
        const double scale = term.range.scale;
        sum += term.factor * (zero + scale * term.code);
        magnitude +=
            std::abs(term.factor) * (std::abs(zero) + 255 * std::abs(scale));
      }
      const double bound =
          (static_cast<double>(depth) + 4) * 0x1p-23 * magnitude;
      if (!(std::abs(out(m, n) - sum) <= bound)) {
        return ::testing::AssertionFailure()
               << "element [" << m << ", " << n << "] is " << out(m, n)
               << ", expected " << sum;
      }
    }
  }
  return ::testing::AssertionSuccess();
}

// Calls check(sizes) for all sizes and instruction sets.
template <typename Check>
void AtEverySize(const Check& check) {
  for (const std::size_t left_rows : {1, 2, 4, 13}) {
    for (const std::size_t group : {1, 3, 16, 17, 100}) {
      for (const std::size_t rows : {1, 16, 17, 100}) {
        for (const std::size_t cols : {1, 3, 16, 64, 71, 257}) {
          const Sizes sizes = {left_rows, group, rows, cols};
          SCOPED_TRACE(Text(sizes));
          WithEveryInstructionSet([&] { check(sizes); });
          if (::testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(CodedMatMulTransposedTest, IsTheProductAtEverySize) {
  Random random(41);
  AtEverySize([&](const Sizes& sizes) {
    const Coded coded(random, sizes);
    const Tensor2 left = RandomTensor2(random, {sizes.left_rows, sizes.cols});
    Tensor2 out = Tensor2::from_shape({sizes.left_rows, sizes.rows});
    out.fill(kUntouched);
    MatMulTransposed(Work::kAttention, Rows(left), coded.ByColumn(), Rows(out));
    ASSERT_TRUE(IsProduct(
        out, sizes.cols, [&](std::size_t m, std::size_t n, std::size_t k) {
          return Term{left(m, k), coded.RangeByColumn(n, k), coded.Code(n, k)};
        }));
  });
}

TEST(CodedMatMulTest, IsTheProductAtEverySize) {
  Random random(42);
  AtEverySize([&](const Sizes& sizes) {
    const Coded coded(random, sizes);
    const Tensor2 left = RandomTensor2(random, {sizes.left_rows, sizes.rows});
    Tensor2 out = Tensor2::from_shape({sizes.left_rows, sizes.cols});
    out.fill(kUntouched);
    MatMul(Work::kAttention, Rows(left), coded.ByRow(), Rows(out));
    ASSERT_TRUE(IsProduct(
        out, sizes.rows, [&](std::size_t m, std::size_t n, std::size_t k) {
          return Term{left(m, k), coded.RangeByRow(k), coded.Code(k, n)};
        }));
  });
}

// Codes 0 .. 255 are unsigned: 128 and above are not negative.
TEST(CodedProductsTest, Code255IsTheLargest) {
  const std::vector<std::uint8_t> codes(64, 255);
  const std::vector<CodeRange> ranges(64, {.zero = -1.0F, .scale = 0.5F});
  WithEveryInstructionSet([&] {
    Tensor2 ones = xt::ones<float>({1, 64});
    Tensor2 score = Tensor2::from_shape({1, 1});
    MatMulTransposed(Work::kAttention, Rows(ones),
                     CodedByColumn{.codes = codes.data(),
                                   .ranges = ranges.data(),
                                   .rows = 1,
                                   .cols = 64,
                                   .group = 1},
                     Rows(score));
    EXPECT_EQ(score(0, 0), 64 * (-1.0F + 127.5F));
    Tensor2 one = {{2}};
    Tensor2 sum = Tensor2::from_shape({1, 64});
    MatMul(Work::kAttention, Rows(one),
           CodedByRow{.codes = codes.data(),
                      .ranges = ranges.data(),
                      .rows = 1,
                      .cols = 64},
           Rows(sum));
    EXPECT_EQ(sum(0, 0), 2 * (-1.0F + 127.5F));
    EXPECT_EQ(sum(0, 63), 2 * (-1.0F + 127.5F));
  });
}

TEST(CodedProductsTest, WriteNothingBesideTheResult) {
  Random random(43);
  for (const std::size_t left_rows : {1, 3, 20}) {
    WithEveryInstructionSet([&] {
      const Coded coded(random, {left_rows, 16, 37, 20});
      const Tensor2 left = RandomTensor2(random, {left_rows, 20});
      const Tensor2 probs = RandomTensor2(random, {left_rows, 37});
      Tensor2 wide = Tensor2::from_shape({left_rows, 41});
      wide.fill(kUntouched);
      MatMulTransposed(Work::kAttention, Rows(left), coded.ByColumn(),
                       {&wide(0, 2), left_rows, 37, 41});
      for (std::size_t m = 0; m < left_rows; ++m) {
        for (const std::size_t n : {0, 1, 39, 40}) {
          EXPECT_EQ(wide(m, n), kUntouched);
        }
      }
      wide.fill(kUntouched);
      MatMul(Work::kAttention, Rows(probs), coded.ByRow(),
             {&wide(0, 2), left_rows, 20, 41});
      for (std::size_t m = 0; m < left_rows; ++m) {
        for (const std::size_t n : {0, 1, 22, 23}) {
          EXPECT_EQ(wide(m, n), kUntouched);
        }
      }
    });
  }
}

TEST(CodedProductsTest, CountTheWorkOfDecodedNumbers) {
  Random random(44);
  const Coded coded(random, {3, 4, 300, 5});
  const Tensor2 left = RandomTensor2(random, {3, 5});
  Tensor2 scores = Tensor2::from_shape({3, 300});
  Tensor2 attended = Tensor2::from_shape({3, 5});
  const WorkCounts before = CountedWork();
  MatMulTransposed(Work::kAttention, Rows(left), coded.ByColumn(),
                   Rows(scores));
  MatMul(Work::kAttention, Rows(scores), coded.ByRow(), Rows(attended));
  const WorkCounts counted = CountedWork() - before;
  EXPECT_EQ(counted[Work::kAttention], 3U * 5 * 300 + 3U * 300 * 5);
  EXPECT_EQ(counted.Total(), counted[Work::kAttention]);
}

TEST(CodedProductsTest, RefuseShapesThatDisagree) {
  Random random(45);
  const Coded coded(random, {3, 4, 11, 5});
  const Tensor2 narrow = RandomTensor2(random, {3, 4});
  const Tensor2 left = RandomTensor2(random, {3, 5});
  Tensor2 out = Tensor2::from_shape({3, 11});
  const WorkCounts before = CountedWork();
  EXPECT_NE(MessageOf<ContractError>([&] {
              MatMulTransposed(Work::kAttention, Rows(narrow), coded.ByColumn(),
                               Rows(out));
            }).find("it is [11, 5], expected [11, 4]"),
            std::string::npos);
  EXPECT_THROW(MatMul(Work::kAttention, Rows(left), coded.ByRow(), Rows(out)),
               ContractError);
  CodedByColumn no_group = coded.ByColumn();
  no_group.group = 0;
  EXPECT_NE(MessageOf<ContractError>([&] {
              MatMulTransposed(Work::kAttention, Rows(left), no_group,
                               Rows(out));
            }).find("groups of 0 rows"),
            std::string::npos);
  EXPECT_EQ(CountedWork(), before);
}

}  // namespace
}  // namespace kvlab
