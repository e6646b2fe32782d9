// Products with rows in blocks against plain loops in double precision, at
// sizes around every edge: blocks of one row, of less than a vector, of more,
// the last one partly filled; one query, a few, many.
#include "kit/math/paged_products.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/kernels/instruction_set.h"
#include "kit/kernels/instruction_set_testing.h"
#include "kit/math/linear_algebra.h"
#include "kit/math/work.h"
#include "kit/model/random.h"
#include "kit/tensor/paged_matrix.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

constexpr float kUntouched = -77.0F;

// Rows in the blocks of a storage that other heads share: blocks in an order
// that is not theirs, gaps of NaN between them, and NaN in the rows that the
// last block does not have. The data begin one float after an allocation, so
// that no row is aligned.
class Pages {
 public:
  Pages(Random& random, std::size_t block_rows, std::size_t rows,
        std::size_t cols)
      : block_rows_(block_rows),
        stride_(block_rows * cols + kGap),
        table_((rows + block_rows - 1) / block_rows),
        rows_(Tensor2::from_shape({rows, cols})) {
    // Every second block is of another sequence.
    storage_.assign(1 + 2 * table_.size() * stride_,
                    std::numeric_limits<float>::quiet_NaN());
    for (std::size_t i = 0; i < table_.size(); ++i) {
      table_[i] = 2 * (table_.size() - 1 - i) + 1;
    }
    for (std::size_t i = 0; i < rows; ++i) {
      float* const row = storage_.data() + 1 +
                         table_[i / block_rows] * stride_ +
                         i % block_rows * cols;
      for (std::size_t d = 0; d < cols; ++d) {
        row[d] = rows_(i, d) = random.NextUniform(-1.0F, 1.0F);
      }
    }
  }

  PagedMatrix Paged() const {
    return {.data = storage_.data() + 1,
            .block_stride = stride_,
            .block_rows = block_rows_,
            .table = table_,
            .rows = rows_.shape(0),
            .cols = rows_.shape(1)};
  }
  // The same rows, copied together.
  const Tensor2& Together() const { return rows_; }

 private:
  static constexpr std::size_t kGap = 5;
  std::size_t block_rows_;
  std::size_t stride_;  // floats from one block to the next
  std::vector<std::size_t> table_;
  std::vector<float> storage_;
  Tensor2 rows_;
};

// Whether out[m, n] is the sum over k of left(m, k) * right(k, n).
template <typename Left, typename Right>
::testing::AssertionResult IsProduct(const Tensor2& out, std::size_t depth,
                                     const Left& left, const Right& right) {
  for (std::size_t m = 0; m < out.shape(0); ++m) {
    for (std::size_t n = 0; n < out.shape(1); ++n) {
      double sum = 0;
      double magnitude = 0;
      for (std::size_t k = 0; k < depth; ++k) {
        const double term = static_cast<double>(left(m, k)) * right(k, n);
        sum += term;
        magnitude += std::abs(term);
      }
      // Each product and addition rounds by up to 2^-24 of its result, up or
      // down, so the error grows like a random walk; 4 deviations.
      const double tolerance = 4.0 * 0x1p-24 *
                               std::sqrt(static_cast<double>(depth) + 1.0) *
                               magnitude;
      if (!(std::abs(out(m, n) - sum) <= tolerance)) {
        return ::testing::AssertionFailure()
               << "element [" << m << ", " << n << "] is " << out(m, n)
               << ", expected " << sum;
      }
    }
  }
  return ::testing::AssertionSuccess();
}

struct Sizes {
  std::size_t queries;
  std::size_t block_rows;
  std::size_t rows;
  std::size_t cols;
};

std::string Text(const Sizes& sizes) {
  return std::to_string(sizes.queries) + " queries, " +
         std::to_string(sizes.rows) + " rows in blocks of " +
         std::to_string(sizes.block_rows) + ", " + std::to_string(sizes.cols) +
         " columns";
}

// Calls check(sizes) for all sizes and instruction sets.
template <typename Check>
void AtEverySize(const Check& check) {
  for (const std::size_t queries : {1, 2, 7, 13}) {
    for (const std::size_t block_rows : {1, 3, 8, 16, 17, 64, 100}) {
      for (const std::size_t rows : {1, 15, 16, 17, 100}) {
        for (const std::size_t cols : {1, 3, 16, 64, 257}) {
          const Sizes sizes = {queries, block_rows, rows, cols};
          SCOPED_TRACE(Text(sizes));
          WithEveryInstructionSet([&] { check(sizes); });
          if (::testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(PagedMatMulTransposedTest, IsTheProductAtEverySize) {
  Random random(31);
  AtEverySize([&](const Sizes& sizes) {
    const Pages keys(random, sizes.block_rows, sizes.rows, sizes.cols);
    const Tensor2 queries = RandomTensor2(random, {sizes.queries, sizes.cols});
    Tensor2 scores = Tensor2::from_shape({sizes.queries, sizes.rows});
    scores.fill(kUntouched);
    MatMulTransposed(Work::kAttention, Rows(queries), keys.Paged(),
                     Rows(scores));
    ASSERT_TRUE(IsProduct(
        scores, sizes.cols,
        [&](std::size_t m, std::size_t k) { return queries(m, k); },
        [&](std::size_t k, std::size_t n) { return keys.Together()(n, k); }));
  });
}

TEST(PagedMatMulTest, IsTheProductAtEverySize) {
  Random random(32);
  AtEverySize([&](const Sizes& sizes) {
    const Pages values(random, sizes.block_rows, sizes.rows, sizes.cols);
    const Tensor2 probs = RandomTensor2(random, {sizes.queries, sizes.rows});
    Tensor2 attended = Tensor2::from_shape({sizes.queries, sizes.cols});
    attended.fill(kUntouched);
    MatMul(Work::kAttention, Rows(probs), values.Paged(), Rows(attended));
    ASSERT_TRUE(IsProduct(
        attended, sizes.rows,
        [&](std::size_t m, std::size_t k) { return probs(m, k); },
        [&](std::size_t k, std::size_t n) { return values.Together()(k, n); }));
  });
}

void ExpectRightProducts(const Pages& pages, ConstMatrix left,
                         const Tensor2& probs) {
  const Tensor2& together = pages.Together();
  Tensor2 scores = Tensor2::from_shape({left.rows, together.shape(0)});
  MatMulTransposed(Work::kAttention, left, pages.Paged(), Rows(scores));
  EXPECT_TRUE(IsProduct(
      scores, left.cols,
      [&](std::size_t m, std::size_t k) { return left.Row(m)[k]; },
      [&](std::size_t k, std::size_t n) { return together(n, k); }));
  Tensor2 attended = Tensor2::from_shape({left.rows, left.cols});
  MatMul(Work::kAttention, Rows(probs), pages.Paged(), Rows(attended));
  EXPECT_TRUE(IsProduct(
      attended, together.shape(0),
      [&](std::size_t m, std::size_t k) { return probs(m, k); },
      [&](std::size_t k, std::size_t n) { return together(k, n); }));
}

TEST(PagedProductsTest, AreRightForHundredsOfBlocks) {
  Random random(36);
  // The last of 334 blocks has 2 of its 3 rows.
  for (const std::size_t cols : {64, 5}) {
    const Pages pages(random, 3, 1001, cols);
    for (const std::size_t queries : {1, 2, 9}) {
      const Tensor2 left = RandomTensor2(random, {queries, cols});
      const Tensor2 probs = RandomTensor2(random, {queries, 1001});
      WithEveryInstructionSet(
          [&] { ExpectRightProducts(pages, Rows(left), probs); });
    }
  }
}

// The rows of one head of the shipped model, in whole vectors: where blocks
// begin is not seen in the sums. A wider set sums even and odd rows.
TEST(PagedProductsTest, OneQueryHasTheBitsOfOnePieceOnTheSmallestSet) {
  Random random(33);
  UseInstructionSet(SmallestInstructionSet());
  const Tensor2 query = RandomTensor2(random, {1, 64});
  for (const std::size_t block_rows : {8, 16, 64}) {
    const Pages pages(random, block_rows, 1000, 64);
    Tensor2 paged = Tensor2::from_shape({1, 1000});
    Tensor2 together = Tensor2::from_shape({1, 1000});
    MatMulTransposed(Work::kAttention, Rows(query), pages.Paged(), Rows(paged));
    MatMulTransposed(Work::kAttention, Rows(query), Rows(pages.Together()),
                     Rows(together));
    EXPECT_TRUE(Near(paged, together, 0.0F)) << "blocks of " << block_rows;
    Tensor2 paged_sum = Tensor2::from_shape({1, 64});
    Tensor2 sum = Tensor2::from_shape({1, 64});
    MatMul(Work::kAttention, Rows(paged), pages.Paged(), Rows(paged_sum));
    MatMul(Work::kAttention, Rows(together), Rows(pages.Together()), Rows(sum));
    EXPECT_TRUE(Near(paged_sum, sum, 0.0F)) << "blocks of " << block_rows;
  }
}

// A result in the middle of something larger.
TEST(PagedProductsTest, WriteNothingBesideTheResult) {
  Random random(34);
  for (const std::size_t queries : {1, 3, 20}) {
    WithEveryInstructionSet([&] {
      const Pages pages(random, 16, 37, 20);
      const Tensor2 left = RandomTensor2(random, {queries, 20});
      const Tensor2 probs = RandomTensor2(random, {queries, 37});
      Tensor2 wide = Tensor2::from_shape({queries, 41});
      wide.fill(kUntouched);
      MatMulTransposed(Work::kAttention, Rows(left), pages.Paged(),
                       {&wide(0, 2), queries, 37, 41});
      for (std::size_t m = 0; m < queries; ++m) {
        for (const std::size_t n : {0, 1, 39, 40}) {
          EXPECT_EQ(wide(m, n), kUntouched);
        }
      }
      wide.fill(kUntouched);
      MatMul(Work::kAttention, Rows(probs), pages.Paged(),
             {&wide(0, 2), queries, 20, 41});
      for (std::size_t m = 0; m < queries; ++m) {
        for (const std::size_t n : {0, 1, 22, 23}) {
          EXPECT_EQ(wide(m, n), kUntouched);
        }
      }
    });
  }
}

TEST(PagedProductsTest, NoRowsGiveZeros) {
  const Tensor2 query = {{1, 2}};
  PagedMatrix none;
  none.block_rows = 4;
  none.cols = 2;
  Tensor2 scores = Tensor2::from_shape({1, 0});
  MatMulTransposed(Work::kAttention, Rows(query), none, Rows(scores));
  Tensor2 attended = {{3, 4}};
  MatMul(Work::kAttention, Rows(scores), none, Rows(attended));
  EXPECT_TRUE(Near(attended, Tensor2{{0, 0}}, 0.0F));
}

TEST(PagedProductsTest, CountTheWorkOfOnePiece) {
  Random random(35);
  const Pages pages(random, 4, 11, 5);
  const Tensor2 left = RandomTensor2(random, {3, 5});
  Tensor2 scores = Tensor2::from_shape({3, 11});
  Tensor2 attended = Tensor2::from_shape({3, 5});
  const WorkCounts before = CountedWork();
  MatMulTransposed(Work::kAttention, Rows(left), pages.Paged(), Rows(scores));
  MatMul(Work::kAttention, Rows(scores), pages.Paged(), Rows(attended));
  const WorkCounts counted = CountedWork() - before;
  EXPECT_EQ(counted[Work::kAttention], 3U * 5 * 11 + 3U * 11 * 5);
  EXPECT_EQ(counted.Total(), counted[Work::kAttention]);
}

TEST(PagedProductsTest, RefuseShapesThatDisagree) {
  Random random(36);
  const Pages pages(random, 4, 11, 5);
  Tensor2 out = Tensor2::from_shape({3, 11});
  const Tensor2 narrow = RandomTensor2(random, {3, 4});
  const Tensor2 left = RandomTensor2(random, {3, 5});
  const WorkCounts before = CountedWork();
  EXPECT_NE(MessageOf<ContractError>([&] {
              MatMulTransposed(Work::kAttention, Rows(narrow), pages.Paged(),
                               Rows(out));
            }).find("it is [11, 5], expected [11, 4]"),
            std::string::npos);
  EXPECT_THROW(MatMul(Work::kAttention, Rows(left), pages.Paged(), Rows(out)),
               ContractError);
  PagedMatrix longer = pages.Paged();
  longer.rows = 13;
  Tensor2 scores = Tensor2::from_shape({3, 13});
  EXPECT_NE(MessageOf<ContractError>([&] {
              MatMulTransposed(Work::kAttention, Rows(left), longer,
                               Rows(scores));
            }).find("3 blocks of 4 rows hold fewer than 13"),
            std::string::npos);
  EXPECT_EQ(CountedWork(), before);
}

}  // namespace
}  // namespace kvlab
