#include "cli/trace/numbers.h"

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cli/trace/finding.h"
#include "gtest/gtest.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Element [b, h, s, d] is bhsd, so a number names its place.
Tensor4 Numbered(std::size_t batch, std::size_t heads, std::size_t seq_len) {
  Tensor4 tensor = Tensor4::from_shape({batch, heads, seq_len, 2});
  for (std::size_t b = 0; b < batch; ++b) {
    for (std::size_t h = 0; h < heads; ++h) {
      for (std::size_t s = 0; s < seq_len; ++s) {
        for (std::size_t d = 0; d < 2; ++d) {
          tensor(b, h, s, d) =
              static_cast<float>(1000 * b + 100 * h + 10 * s + d);
        }
      }
    }
  }
  return tensor;
}

// A run of one layer whose keys are numbered, its values their negatives.
RunNumbers NumberedRun() {
  RunNumbers run;
  LayerNumbers layer;
  layer.keys = Numbered(2, 2, 4);
  layer.values = -layer.keys;
  layer.queries = layer.keys + 5000.0F;
  run.layers = {layer};
  run.tokens = {Tokens::from_shape({2, 4}), {0, 2}};
  return run;
}

TEST(AgreeTest, RoundingAgreesAndNanDoesNot) {
  const std::vector<float> right = {1, 2};
  EXPECT_TRUE(Agree(std::vector<float>{1, 2.0001F}, right, 2));
  EXPECT_FALSE(Agree(std::vector<float>{1, 2.01F}, right, 2));
  EXPECT_FALSE(Agree(std::vector<float>{1, kNan}, right, 2));
  EXPECT_FALSE(Agree(std::vector<float>{1}, right, 2));
}

TEST(FirstDifferentRowTest, TheEarliestPositionComesFirst) {
  // Given a cache that differs at position 3 of head 0 and position 1 of head 1
  const Tensor4 right = Numbered(1, 2, 4);
  Tensor4 seen = right;
  seen(0, 0, 3, 0) = -1;
  seen(0, 1, 1, 1) = -1;

  // Then position 1 is found, as long as it is looked at
  const std::optional<Place> place =
      FirstDifferentRow(View(seen), right, {}, 4);
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(TextOf(*place), "row 0, position 1, head 1");
  EXPECT_FALSE(FirstDifferentRow(View(seen), right, {}, 1).has_value());
}

TEST(FirstDifferentRowTest, PaddingDoesNotCount) {
  const Tensor4 right = Numbered(2, 1, 4);
  Tensor4 seen = right;
  seen(1, 0, 0, 0) = kNan;
  seen(1, 0, 1, 0) = kNan;
  const std::vector<std::size_t> left_pad = {0, 2};
  EXPECT_FALSE(FirstDifferentRow(View(seen), right, left_pad, 4).has_value());
  const std::optional<Place> place =
      FirstDifferentRow(View(seen), right, {}, 4);
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(TextOf(*place), "row 1, position 0, head 0");
}

TEST(OwnerOfTest, NamesTheRowThatHasTheseNumbers) {
  const RunNumbers run = NumberedRun();
  const Place found = {.layer = 0, .row = 0, .position = 1, .head = 0};
  EXPECT_EQ(OwnerOf(std::vector<float>{130, 131}, run, found),
            "these are the numbers of the key of layer 0, row 0, position 3, "
            "head 1");
  EXPECT_EQ(OwnerOf(std::vector<float>{-1020, -1021}, run, found),
            "these are the numbers of the value of layer 0, row 1, position 2, "
            "head 0");
  EXPECT_EQ(OwnerOf(std::vector<float>{777, 777}, run, found), "");
  EXPECT_EQ(OwnerOf(std::vector<float>{kNan, kNan}, run, found), "");
}

TEST(SolvedTest, RecoversWhatWasMultiplied) {
  // x = [1, 2, 3] and weight [in][out], whose first pivot is 0
  const std::vector<std::vector<double>> weight = {
      {0, 2, 1}, {1, 0, 4}, {3, 1, 0}};
  const std::vector<std::vector<double>> solved = Solved(weight, {{11, 5, 9}});
  ASSERT_EQ(solved.size(), 1U);
  EXPECT_NEAR(solved[0][0], 1, 1e-12);  // 1e-12: three eliminations in double
  EXPECT_NEAR(solved[0][1], 2, 1e-12);
  EXPECT_NEAR(solved[0][2], 3, 1e-12);
}

TEST(SolvedTest, ASingularMatrixHasNoSolution) {
  EXPECT_TRUE(Solved({{1, 2}, {2, 4}}, {{1, 2}}).empty());
}

TEST(FindingTest, IsAFewLinesWithBothSides) {
  const Finding finding = {
      .kind = FindingKind::kRow,
      .tensor = "key in the cache",
      .place = {.layer = 1, .row = 0, .position = 5, .head = 2},
      .run = "one row",
      .pass = "step 1",
      .seen = {1, 2, 3, 4, 5, kNan},
      .right = {1, 2, 3, 4, 5, 6},
      .notes = {"a note"},
      .usually = "a sentence."};
  EXPECT_EQ(TextOf(finding),
            "  what     key in the cache, layer 1, row 0, position 5, head 2\n"
            "  when     one row; step 1\n"
            "  yours    [1, 2, 3, 4, ...]\n"
            "  right    [1, 2, 3, 4, ...]\n"
            "           farthest apart at [5]: nan, right 6\n"
            "  note     a note\n"
            "  usually  a sentence.\n");
}

TEST(FindingTest, LongTextsAreWrapped) {
  const std::string word(30, 'x');
  EXPECT_EQ(
      TextOf(Finding{.tensor = "", .usually = word + " " + word + " " + word}),
      "  usually  " + word + " " + word + "\n           " + word + "\n");
}

TEST(FindingTest, JsonHasNullForNanAndOnlyThePlacesThatApply) {
  const nlohmann::json json = JsonOf({.kind = FindingKind::kUnwritten,
                                      .tensor = "key in the cache",
                                      .place = {.layer = 3},
                                      .seen = {kNan},
                                      .right = {1}});
  EXPECT_EQ(json.at("kind"), "unwritten");
  EXPECT_TRUE(json.at("seen").at(0).is_null());
  EXPECT_EQ(json.at("layer"), 3);
  EXPECT_FALSE(json.contains("head"));
}

}  // namespace
}  // namespace kvlab
