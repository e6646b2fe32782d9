#include "kit/tensor/tensor.h"

#include <array>
#include <cstddef>
#include <string>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

TEST(ViewTest, ShowsTheTensorItselfNotACopy) {
  Tensor4 tensor =
      NumberedTokens({.batch = 2, .heads = 3, .head_dim = 5}, 0, 4);
  const ConstView4 view = View(tensor);
  EXPECT_EQ(view.data(), tensor.data());
  EXPECT_TRUE(Same(view, tensor));
  tensor(1, 2, 3, 4) = -1.0F;
  EXPECT_EQ(view(1, 2, 3, 4), -1.0F);
}

// A cache reserves more positions than it shows: the shape covers those shown,
// the strides step over all of them.
TEST(ViewTest, StridesStepOverWhatIsNotShown) {
  const Tensor4 storage =
      NumberedTokens({.batch = 2, .heads = 3, .head_dim = 5}, 0, 8);
  const ConstView4 view =
      MakeView(storage.data(), {2, 3, 4, 5},
               {std::size_t{3} * 8 * 5, std::size_t{8} * 5, 5});
  EXPECT_TRUE(Same(
      view, NumberedTokens({.batch = 2, .heads = 3, .head_dim = 5}, 0, 4)));
}

TEST(ViewTest, MayBeEmpty) {
  const Tensor4 storage =
      NumberedTokens({.batch = 1, .heads = 1, .head_dim = 1}, 0, 1);
  const ConstView4 view = MakeView(storage.data(), {1, 1, 0, 1}, {1, 1, 1});
  EXPECT_EQ(view.size(), 0U);
}

TEST(MatrixTest, RowsOfABatchAreOneMatrix) {
  Tensor3 tensor = Tensor3::from_shape({2, 3, 4});
  tensor(1, 2, 3) = 7.0F;
  const Matrix rows = Rows(tensor);
  EXPECT_EQ(rows.rows, 6U);
  EXPECT_EQ(rows.cols, 4U);
  EXPECT_EQ(rows.Row(5)[3], 7.0F);
  rows.Row(0)[1] = 8.0F;
  EXPECT_EQ(tensor(0, 0, 1), 8.0F);
}

TEST(MatrixTest, HeadMatrixIsOneHeadOfOneBatchRow) {
  const Tensor4 tensor =
      NumberedTokens({.batch = 2, .heads = 3, .head_dim = 5}, 0, 4);
  const ConstMatrix head = HeadMatrix(tensor, 1, 2);
  EXPECT_EQ(head.rows, 4U);
  EXPECT_EQ(head.cols, 5U);
  EXPECT_EQ(head.Row(3)[4], 1234.0F);  // batch 1, head 2, position 3, feature 4
}

TEST(MatrixTest, HeadMatrixFollowsTheStridesOfAView) {
  const Tensor4 storage =
      NumberedTokens({.batch = 2, .heads = 3, .head_dim = 5}, 0, 8);
  const ConstView4 view =
      MakeView(storage.data(), {2, 3, 4, 5},
               {std::size_t{3} * 8 * 5, std::size_t{8} * 5, 5});
  const ConstMatrix head = HeadMatrix(view, 1, 2);
  EXPECT_EQ(head.rows, 4U);
  EXPECT_EQ(head.Row(3)[4], 1234.0F);
}

TEST(CheckShapeTest, SaysNothingAboutEqualShapes) {
  const Tensor4 tensor =
      NumberedTokens({.batch = 1, .heads = 2, .head_dim = 4}, 0, 3);
  EXPECT_NO_THROW(
      CheckShape("x", tensor, std::array<std::size_t, 4>{1, 2, 3, 4}));
}

TEST(CheckShapeTest, NamesTheArgumentAndBothShapes) {
  const Tensor4 tensor =
      NumberedTokens({.batch = 1, .heads = 2, .head_dim = 4}, 0, 3);
  const std::string message = MessageOf<ContractError>([&] {
    CheckShape("LayerCache::Append: keys", tensor,
               std::array<std::size_t, 4>{1, 2, 5, 4});
  });
  EXPECT_NE(message.find("LayerCache::Append: keys has the wrong shape"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("it is [1, 2, 3, 4], expected [1, 2, 5, 4]"),
            std::string::npos)
      << message;
}

TEST(CheckShapeTest, AMissingAxisIsADifference) {
  const std::array<std::size_t, 1> actual = {2};
  const std::array<std::size_t, 2> expected = {2, 1};
  EXPECT_THROW(CheckShape("x", std::span<const std::size_t>(actual),
                          std::span<const std::size_t>(expected)),
               ContractError);
}

TEST(ShapeTextTest, ListsTheAxes) {
  EXPECT_EQ(ShapeText(std::array<std::size_t, 4>{2, 3, 5, 4}), "[2, 3, 5, 4]");
  EXPECT_EQ(ShapeText(std::array<std::size_t, 0>{}), "[]");
}

}  // namespace
}  // namespace kvlab
