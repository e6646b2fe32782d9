#include "kit/tensor/copy.h"

#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

TEST(RowsFromTest, ReadsTheRowsOfAMatrixWhoseRowsLieApart) {
  const Tensor2 all = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {10, 11, 12}};
  const ConstMatrix left = {all.data(), 4, 2, 3};  // without the last column
  const ConstMatrix rows = RowsFrom(left, 1, 2);
  ASSERT_EQ(rows.rows, 2U);
  EXPECT_EQ(rows.cols, 2U);
  EXPECT_EQ(rows.Row(0)[1], 5.0F);
  EXPECT_EQ(rows.Row(1)[0], 7.0F);
  EXPECT_EQ(RowsFrom(left, 4, 0).rows, 0U);
}

TEST(RowRangeTest, IsPartOfTheMatrixItself) {
  Tensor2 tensor = {{0, 1}, {10, 11}, {20, 21}, {30, 31}};
  const Matrix middle = RowRange(Rows(tensor), 1, 3);
  EXPECT_EQ(middle.rows, 2U);
  EXPECT_EQ(middle.Row(0)[1], 11.0F);
  EXPECT_EQ(middle.Row(1)[0], 20.0F);
  EXPECT_EQ(middle.data, &tensor(1, 0));
  EXPECT_EQ(RowRange(Rows(tensor), 4, 4).rows, 0U);
}

TEST(RowRangeTest, RefusesRowsOutsideTheMatrix) {
  Tensor2 tensor = {{0, 1}, {10, 11}};
  EXPECT_THROW(RowRange(Rows(tensor), 1, 3), ContractError);
  EXPECT_THROW(RowRange(Rows(tensor), 2, 1), ContractError);
}

TEST(CopyRowsTest, CopiesBetweenStridesAndCountsTheBytes) {
  Tensor4 storage =
      NumberedTokens({.batch = 1, .heads = 2, .head_dim = 3}, 0, 4);
  const Tensor4 fresh =
      NumberedTokens({.batch = 1, .heads = 2, .head_dim = 3}, 4, 6);
  const std::uint64_t before = CopiedBytes();
  CopyRows(HeadMatrix(fresh, 0, 1), RowRange(HeadMatrix(storage, 0, 1), 2, 4));
  EXPECT_EQ(CopiedBytes() - before, 2 * 3 * sizeof(float));

  Tensor4 expected =
      NumberedTokens({.batch = 1, .heads = 2, .head_dim = 3}, 0, 4);
  for (std::size_t s = 2; s < 4; ++s) {
    for (std::size_t d = 0; d < 3; ++d) {
      expected(0, 1, s, d) = fresh(0, 1, s - 2, d);
    }
  }
  EXPECT_TRUE(Same(View(storage), expected));
}

TEST(CopyRowsTest, RefusesAnotherShapeAndCopiesNothing) {
  const Tensor2 from = {{1, 2}, {3, 4}};
  Tensor2 to = {{0, 0, 0}, {0, 0, 0}};
  const std::uint64_t before = CopiedBytes();
  EXPECT_THROW(CopyRows(Rows(from), Rows(to)), ContractError);
  EXPECT_EQ(CopiedBytes(), before);
  EXPECT_EQ(to(0, 0), 0.0F);
}

}  // namespace
}  // namespace kvlab
