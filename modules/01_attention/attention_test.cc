// Tests the contract of attention.h, task by task. Expected numbers come from
// closed forms: with queries of zero all scores are equal, so attention is the
// mean of the values a query may see, and values that encode their place show
// which those were. Sizes and combinations for which there is no closed form
// are compared with a slower second method, attention in plain loops of
// doubles.
#include "modules/01_attention/attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <latch>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/all_pairs.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Sums of at most 32 floats of size 1: each rounds to 2^-24 of its size.
constexpr float kTolerance = 1e-5F;

// Probabilities: a few exponentials, their sum and a division, each of which
// rounds to 2^-24.
constexpr float kProbTolerance = 1e-6F;

// Means of NumberedTokens: numbers up to 2,153, where floats are 2e-4 apart.
constexpr float kMeanTolerance = 0.01F;

// Numbers that are only moved, or computed twice in the same way.
constexpr float kSame = 0.0F;

// One lane of a cache: feature d of head h in batch row b.
struct Lane {
  std::size_t b = 0;
  std::size_t h = 0;
  std::size_t d = 0;
};

// The mean of numbered values bhsd over positions [begin, end).
float MeanValue(const Lane& lane, std::size_t begin, std::size_t end) {
  const float mean_position = static_cast<float>(begin + end - 1) / 2.0F;
  return static_cast<float>(1000 * lane.b + 100 * lane.h + lane.d) +
         10.0F * mean_position;
}

Tensor4 Zeros(const std::array<std::size_t, 4>& shape) {
  Tensor4 zeros = Tensor4::from_shape(shape);
  zeros.fill(0.0F);
  return zeros;
}

// Positions [begin, end) of axis 2: [B, H, end - begin, D].
Tensor4 Positions(const Tensor4& x, std::size_t begin, std::size_t end) {
  Tensor4 part =
      Tensor4::from_shape({x.shape(0), x.shape(1), end - begin, x.shape(3)});
  for (std::size_t b = 0; b < x.shape(0); ++b) {
    for (std::size_t h = 0; h < x.shape(1); ++h) {
      for (std::size_t s = begin; s < end; ++s) {
        for (std::size_t d = 0; d < x.shape(3); ++d) {
          part(b, h, s - begin, d) = x(b, h, s, d);
        }
      }
    }
  }
  return part;
}

// The sizes of a request in one struct, so that none can trade places.
struct Sizes {
  std::size_t batch = 1;
  std::size_t heads = 1;
  std::size_t kv_heads = 1;
  std::size_t head_dim = 8;
  std::size_t past_len = 0;
  std::size_t new_len = 1;

  std::size_t TotalLen() const { return past_len + new_len; }
};

std::string Text(const Sizes& sizes) {
  return "batch " + std::to_string(sizes.batch) + ", " +
         std::to_string(sizes.heads) + " heads on " +
         std::to_string(sizes.kv_heads) + ", head_dim " +
         std::to_string(sizes.head_dim) + ", " + std::to_string(sizes.new_len) +
         " new tokens after " + std::to_string(sizes.past_len);
}

struct Input {
  Sizes sizes;
  Tensor4 queries;
  Tensor4 keys;
  Tensor4 values;
  std::vector<std::size_t> left_pad = {};
};

Input RandomInput(std::uint64_t seed, const Sizes& sizes) {
  Random random(seed);
  const std::array<std::size_t, 4> kv_shape = {
      sizes.batch, sizes.kv_heads, sizes.TotalLen(), sizes.head_dim};
  return {.sizes = sizes,
          .queries = RandomTensor4(random, {sizes.batch, sizes.heads,
                                            sizes.new_len, sizes.head_dim}),
          .keys = RandomTensor4(random, kv_shape),
          .values = RandomTensor4(random, kv_shape)};
}

// The slower second method for query i of head h of row b: the header's
// sentence, key by key. No maximum is taken out: scores here are below
// sqrt(33) = 6.
void ExpectedRow(const Input& input, std::array<std::size_t, 3> place,
                 Tensor4& out) {
  const auto [b, h, i] = place;
  const Sizes& sizes = input.sizes;
  const std::size_t kv_head = h / (sizes.heads / sizes.kv_heads);
  const std::size_t pad = input.left_pad.empty() ? 0 : input.left_pad[b];
  std::vector<double> weighted(sizes.head_dim, 0.0);
  double sum = 0;
  for (std::size_t j = pad; j <= sizes.past_len + i; ++j) {
    double score = 0;
    for (std::size_t d = 0; d < sizes.head_dim; ++d) {
      score += double{input.queries(b, h, i, d)} *
               double{input.keys(b, kv_head, j, d)};
    }
    const double weight =
        std::exp(score / std::sqrt(static_cast<double>(sizes.head_dim)));
    sum += weight;
    for (std::size_t d = 0; d < sizes.head_dim; ++d) {
      weighted[d] += weight * double{input.values(b, kv_head, j, d)};
    }
  }
  for (std::size_t d = 0; d < sizes.head_dim; ++d) {
    out(b, h, i, d) = sum == 0 ? 0.0F : static_cast<float>(weighted[d] / sum);
  }
}

Tensor4 Expected(const Input& input) {
  const Sizes& sizes = input.sizes;
  Tensor4 out = Tensor4::from_shape(input.queries.shape());  // [B, H, T, D]
  for (std::size_t b = 0; b < sizes.batch; ++b) {
    for (std::size_t h = 0; h < sizes.heads; ++h) {
      for (std::size_t i = 0; i < sizes.new_len; ++i) {
        ExpectedRow(input, {b, h, i}, out);
      }
    }
  }
  return out;
}

Tensor4 Attend(const Input& input) {
  return CausalAttention(input.queries, View(input.keys), View(input.values),
                         input.left_pad);
}

// Weights sum to 1 and values are below 1, so an output is wrong by what the
// weights are wrong by: 1e-6 from each exponential, and 2^-24 from each of S
// additions to their sum if it is one running float.
float ToleranceFor(const Sizes& sizes) {
  return 1e-5F + 6e-8F * static_cast<float>(sizes.TotalLen());
}

void ExpectRight(const Input& input) {
  EXPECT_TRUE(Near(Attend(input), Expected(input), ToleranceFor(input.sizes)))
      << Text(input.sizes);
}

// ---- Task 1.1 ----------------------------------------------------------

TEST(SoftmaxRowsTest, TurnsScoresIntoProbabilities) {
  // Given scores whose exponentials are in the ratio 1 : 3 : 4, and 2 : 1 : 1
  Tensor2 scores = {{std::log(1.0F), std::log(3.0F), std::log(4.0F)},
                    {std::log(2.0F), std::log(1.0F), std::log(1.0F)}};

  SoftmaxRows(Rows(scores));

  const Tensor2 expected = {{0.125F, 0.375F, 0.5F}, {0.5F, 0.25F, 0.25F}};
  EXPECT_TRUE(Near(scores, expected, kProbTolerance));
}

TEST(SoftmaxRowsTest, DoesNotOverflowForLargeScores) {
  // e^1000 is infinite in float32; only differences of scores matter.
  Tensor2 scores = {{1000.0F, 1000.0F - std::log(3.0F)},
                    {-1000.0F, -1000.0F + std::log(3.0F)}};

  SoftmaxRows(Rows(scores));

  // 1e-4: float32 near 1000 is 6e-5 apart, and e^x passes that on.
  const Tensor2 expected = {{0.75F, 0.25F}, {0.25F, 0.75F}};
  EXPECT_TRUE(Near(scores, expected, 1e-4F));
}

TEST(SoftmaxRowsTest, GivesExactlyZeroToHiddenScores) {
  Tensor2 scores = {{0.0F, -kInfinity, 0.0F}};

  SoftmaxRows(Rows(scores));

  EXPECT_EQ(scores(0, 1), 0.0F);
  EXPECT_NEAR(scores(0, 0), 0.5F, kProbTolerance);
}

TEST(SoftmaxRowsTest, TurnsARowThatSeesNothingIntoZeros) {
  Tensor2 scores = {{-kInfinity, -kInfinity}, {1.0F, 1.0F}};

  SoftmaxRows(Rows(scores));

  const Tensor2 expected = {{0.0F, 0.0F}, {0.5F, 0.5F}};
  EXPECT_TRUE(Near(scores, expected, kProbTolerance));

  // The same of hundreds of rows
  Tensor2 many = Tensor2::from_shape({300, 9});
  many.fill(-kInfinity);
  SoftmaxRows(Rows(many));
  Tensor2 zeros = Tensor2::from_shape({300, 9});
  zeros.fill(0.0F);
  EXPECT_TRUE(Near(many, zeros, kSame));
}

TEST(SoftmaxRowsTest, FindsTheOnlyScoreThatIsNotHidden) {
  // Given rows of 9 scores of which only one is visible, at each place once,
  // and as small as a float can be.
  for (const float score : {0.0F, std::numeric_limits<float>::max(),
                            std::numeric_limits<float>::lowest()}) {
    Tensor2 scores = Tensor2::from_shape({9, 9});
    Tensor2 expected = Tensor2::from_shape({9, 9});
    scores.fill(-kInfinity);
    expected.fill(0.0F);
    for (std::size_t i = 0; i < 9; ++i) {
      scores(i, i) = score;
      expected(i, i) = 1.0F;
    }

    SoftmaxRows(Rows(scores));

    EXPECT_TRUE(Near(scores, expected, kProbTolerance)) << "score " << score;
  }
}

TEST(SoftmaxRowsTest, FindsTheMaximumWhereverItIs) {
  // Given rows in which only the last two scores are visible, and are large:
  // code that takes the maximum of the first ones finds -infinity, or
  // overflows.
  for (const std::size_t cols : {2, 9, 65, 300, 1026, 3000}) {
    for (const float others : {-kInfinity, -1000.0F}) {
      Tensor2 scores = Tensor2::from_shape({1, cols});
      Tensor2 expected = Tensor2::from_shape({1, cols});
      scores.fill(others);
      expected.fill(0.0F);
      scores(0, cols - 2) = 1000.0F;
      scores(0, cols - 1) = 1000.0F - std::log(3.0F);
      expected(0, cols - 2) = 0.75F;
      expected(0, cols - 1) = 0.25F;

      SoftmaxRows(Rows(scores));

      // 1e-4: as above, float32 near 1000 is 6e-5 apart.
      EXPECT_TRUE(Near(scores, expected, 1e-4F)) << cols << " columns";
    }
  }
}

TEST(SoftmaxRowsTest, TreatsRowsOfAnyLengthAndNumberAlike) {
  // Given rows of `cols` scores log(1), log(2), log(3), log(1), ... rotated by
  // one from row to row: a probability is 1, 2 or 3 of their sum.
  for (const std::size_t cols : {1, 2, 7, 63, 64, 65, 300, 1024, 1025, 2999}) {
    const std::size_t rows = cols < 100 ? 301 : 3;
    Tensor2 scores = Tensor2::from_shape({rows, cols});
    Tensor2 expected = Tensor2::from_shape({rows, cols});
    for (std::size_t i = 0; i < rows; ++i) {
      float sum = 0;
      for (std::size_t j = 0; j < cols; ++j) {
        expected(i, j) = static_cast<float>(1 + (i + j) % 3);
        scores(i, j) = std::log(expected(i, j));
        sum += expected(i, j);
      }
      for (std::size_t j = 0; j < cols; ++j) {
        expected(i, j) *= 300 / sum;  // of size 0.1 at least
      }
    }

    SoftmaxRows(Rows(scores));

    for (float& prob : scores) prob *= 300;
    // 1e-6 from each exponential, 2^-24 from each addition to their sum
    const float tolerance = 1e-5F + 6e-8F * static_cast<float>(cols);
    EXPECT_TRUE(Near(scores, expected, tolerance)) << cols << " columns";
  }
}

TEST(SoftmaxRowsTest, WorksOnAMatrixInsideALargerOne) {
  // Given two rows of three floats, of which the matrix is the first two
  Tensor2 storage = {{0.0F, 0.0F, 7.0F}, {0.0F, std::log(3.0F), 8.0F}};

  SoftmaxRows({.data = storage.data(), .rows = 2, .cols = 2, .row_stride = 3});

  const Tensor2 expected = {{0.5F, 0.5F, 7.0F}, {0.25F, 0.75F, 8.0F}};
  EXPECT_TRUE(Near(storage, expected, kProbTolerance));
}

// ---- Task 1.2 ----------------------------------------------------------

TEST(SplitHeadsTest, PutsEveryFeatureIntoItsHead) {
  // Given feature h * 2 + d of token t in row b with the number bhtd
  Tensor3 x = Tensor3::from_shape({2, 4, 6});
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t t = 0; t < 4; ++t) {
      for (std::size_t feature = 0; feature < 6; ++feature) {
        const std::size_t head = feature / 2;
        x(b, t, feature) =
            static_cast<float>(1000 * b + 100 * head + 10 * t + feature % 2);
      }
    }
  }

  EXPECT_TRUE(
      Same(View(SplitHeads(x, 3)),
           NumberedTokens({.batch = 2, .heads = 3, .head_dim = 2}, 0, 4)));
}

TEST(SplitHeadsTest, CutsAnyNumberOfHeadsOfAnySize) {
  // Batch, heads, tokens, head_dim; MergeHeads puts together what this cuts.
  for (const auto& shape :
       std::vector<std::array<std::size_t, 4>>{{5, 1, 3, 13},
                                               {1, 12, 300, 1},
                                               {2, 25, 1, 3},
                                               {9, 16, 2, 7},
                                               {300, 2, 2, 3},
                                               {2, 300, 2, 3},
                                               {2, 2, 3, 300},
                                               {300, 300, 2, 2},
                                               {300, 2, 2, 300},
                                               {2, 300, 70, 2},
                                               {10, 10, 300, 3},
                                               {10, 2, 10, 300}}) {
    const auto [batch, heads, seq_len, head_dim] = shape;
    Random random(110);
    const Tensor4 right = RandomTensor4(random, shape);
    Tensor3 x = Tensor3::from_shape({batch, seq_len, heads * head_dim});
    for (std::size_t b = 0; b < batch; ++b) {
      for (std::size_t t = 0; t < seq_len; ++t) {
        for (std::size_t h = 0; h < heads; ++h) {
          for (std::size_t d = 0; d < head_dim; ++d) {
            x(b, t, h * head_dim + d) = right(b, h, t, d);
          }
        }
      }
    }

    EXPECT_TRUE(Same(View(SplitHeads(x, heads)), right)) << heads << " heads";
    EXPECT_TRUE(Near(MergeHeads(right), x, kSame)) << heads << " heads";
  }
}

TEST(SplitHeadsTest, RefusesHeadsThatDoNotDivideTheFeatures) {
  Random random(10);
  const Tensor3 x = RandomTensor3(random, {1, 2, 6});
  EXPECT_EQ(SplitHeads(x, 2).shape(3), 3U);

  EXPECT_THAT(MessageOf<ContractError>([&] { SplitHeads(x, 4); }),
              HasSubstr("6 features, 4 heads"));
  EXPECT_THROW(SplitHeads(x, 0), ContractError);
}

TEST(MergeHeadsTest, UndoesSplitHeads) {
  Random random(11);
  const Tensor3 x = RandomTensor3(random, {2, 5, 12});

  EXPECT_TRUE(Near(MergeHeads(SplitHeads(x, 3)), x, kSame));
}

TEST(MergeHeadsTest, ConcatenatesHeadsAlongTheFeatures) {
  const Tensor3 merged =
      MergeHeads(NumberedTokens({.batch = 2, .heads = 3, .head_dim = 2}, 0, 4));

  ASSERT_THAT(merged.shape(), ElementsAre(2U, 4U, 6U));
  // Token 3 of row 1: both features of head 0, then of head 1, then of head 2
  EXPECT_THAT(Rows(merged).Row(1 * 4 + 3),
              ElementsAre(1030, 1031, 1130, 1131, 1230, 1231));
}

// ---- Task 1.3 ----------------------------------------------------------

TEST(CausalAttentionTest, WeighsValuesByTheSoftmaxOfScaledScores) {
  // Given, for the second query, q . k = sqrt(D) * log(3) with the first key
  // and 0 with the second, so that the weights are 3/4 and 1/4, which requires
  // the right scale. The first query sees only the first key.
  const float length = std::sqrt(2.0F * std::log(3.0F));
  const Tensor4 queries = {{{{1, 2, 3, 4}, {length, 0, 0, 0}}}};
  const Tensor4 keys = {{{{length, 0, 0, 0}, {0, 1, 1, 1}}}};
  const Tensor4 values = {{{{4, 8, 0, -4}, {8, 0, 4, 4}}}};

  const Tensor4 expected = {{{{4, 8, 0, -4}, {5, 6, 1, -2}}}};
  EXPECT_TRUE(Near(CausalAttention(queries, View(keys), View(values), {}),
                   expected, kTolerance));
}

TEST(CausalAttentionTest, ScalesTheScoresOfEachHeadByItsOwnHeadDim) {
  // The head above and one with the weights 1/3 and 2/3: both stay what they
  // are alone, for D = 4 is that of a head, however many there are.
  const float length = std::sqrt(2.0F * std::log(3.0F));
  const float other = std::sqrt(2.0F * std::log(2.0F));
  const Tensor4 queries = {
      {{{1, 2, 3, 4}, {length, 0, 0, 0}}, {{4, 3, 2, 1}, {0, other, 0, 0}}}};
  const Tensor4 keys = {
      {{{length, 0, 0, 0}, {0, 1, 1, 1}}, {{1, 0, 1, 1}, {0, other, 0, 0}}}};
  const Tensor4 values = {
      {{{4, 8, 0, -4}, {8, 0, 4, 4}}, {{3, 6, 9, 0}, {6, 0, 3, -3}}}};

  const Tensor4 expected = {
      {{{4, 8, 0, -4}, {5, 6, 1, -2}}, {{3, 6, 9, 0}, {5, 2, 5, -2}}}};
  EXPECT_TRUE(Near(CausalAttention(queries, View(keys), View(values), {}),
                   expected, kTolerance));
}

TEST(CausalAttentionTest, LetsQueryISeeKeysUpToI) {
  const Tensor4 values =
      NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, 0, 5);
  Random random(12);
  const Tensor4 keys = RandomTensor4(random, {2, 3, 5, 4});

  const Tensor4 attended =
      CausalAttention(Zeros({2, 3, 5, 4}), View(keys), View(values), {});

  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t h = 0; h < 3; ++h) {
      for (std::size_t i = 0; i < 5; ++i) {
        for (std::size_t d = 0; d < 4; ++d) {
          ASSERT_NEAR(attended(b, h, i, d),
                      MeanValue({.b = b, .h = h, .d = d}, 0, i + 1),
                      kMeanTolerance)
              << "batch " << b << ", head " << h << ", query " << i;
        }
      }
    }
  }
}

TEST(CausalAttentionTest, AlignsTheMaskOfAChunkToTheBottomRight) {
  // Given 3 tokens in the past and a chunk of 2: query 0 of the chunk is at
  // position 3 and sees keys 0 .. 3, not only key 0.
  const Tensor4 values =
      NumberedTokens({.batch = 1, .heads = 2, .head_dim = 4}, 0, 5);
  Random random(13);
  const Tensor4 keys = RandomTensor4(random, {1, 2, 5, 4});

  const Tensor4 attended =
      CausalAttention(Zeros({1, 2, 2, 4}), View(keys), View(values), {});

  EXPECT_NEAR(attended(0, 1, 0, 2), MeanValue({.b = 0, .h = 1, .d = 2}, 0, 4),
              kMeanTolerance)
      << "query 0 of the chunk is at position 3 and sees keys 0 to 3";
  EXPECT_NEAR(attended(0, 1, 1, 2), MeanValue({.b = 0, .h = 1, .d = 2}, 0, 5),
              kMeanTolerance)
      << "query 1 of the chunk is at position 4 and sees keys 0 to 4";
}

TEST(CausalAttentionTest, GivesAChunkTheRowsOfTheFullPass) {
  Random random(14);
  const Tensor4 queries = RandomTensor4(random, {2, 3, 7, 4});
  const Tensor4 keys = RandomTensor4(random, {2, 3, 7, 4});
  const Tensor4 values = RandomTensor4(random, {2, 3, 7, 4});
  const Tensor4 full = CausalAttention(queries, View(keys), View(values), {});

  for (std::size_t past_len = 0; past_len < 7; ++past_len) {
    for (std::size_t total_len = past_len + 1; total_len <= 7; ++total_len) {
      const Tensor4 keys_so_far = Positions(keys, 0, total_len);
      const Tensor4 values_so_far = Positions(values, 0, total_len);
      ASSERT_TRUE(
          Near(CausalAttention(Positions(queries, past_len, total_len),
                               View(keys_so_far), View(values_so_far), {}),
               Positions(full, past_len, total_len), kTolerance))
          << "past_len " << past_len << ", total_len " << total_len;
    }
  }
}

TEST(CausalAttentionTest, HidesPaddingOnTheLeftOfEachRow) {
  // Given rows with 0, 2 and 4 columns of padding
  const std::vector<std::size_t> left_pad = {0, 2, 4};
  const Tensor4 values =
      NumberedTokens({.batch = 3, .heads = 2, .head_dim = 4}, 0, 6);
  Random random(15);
  const Tensor4 keys = RandomTensor4(random, {3, 2, 6, 4});

  const Tensor4 attended =
      CausalAttention(Zeros({3, 2, 6, 4}), View(keys), View(values), left_pad);

  for (std::size_t b = 0; b < 3; ++b) {
    for (std::size_t i = left_pad[b]; i < 6; ++i) {
      ASSERT_NEAR(attended(b, 1, i, 3),
                  MeanValue({.b = b, .h = 1, .d = 3}, left_pad[b], i + 1),
                  kMeanTolerance)
          << "batch " << b << ", query " << i;
    }
  }
}

TEST(CausalAttentionTest, GivesZerosToAQueryThatSeesNoKey) {
  const std::vector<std::size_t> left_pad = {2};
  const Tensor4 values =
      NumberedTokens({.batch = 1, .heads = 1, .head_dim = 4}, 5, 8);

  const Tensor4 attended = CausalAttention(Zeros({1, 1, 3, 4}), View(values),
                                           View(values), left_pad);

  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t d = 0; d < 4; ++d) EXPECT_EQ(attended(0, 0, i, d), 0.0F);
  }
  EXPECT_NEAR(attended(0, 0, 2, 0), 70.0F, kMeanTolerance);
}

TEST(CausalAttentionTest, SharesAKeyValueHeadAmongAGroupOfQueryHeads) {
  // Given 6 query heads over 2 key/value heads: 0, 1, 2 read head 0
  const Tensor4 values =
      NumberedTokens({.batch = 2, .heads = 2, .head_dim = 4}, 0, 3);
  Random random(16);
  const Tensor4 keys = RandomTensor4(random, {2, 2, 3, 4});

  const Tensor4 attended =
      CausalAttention(Zeros({2, 6, 3, 4}), View(keys), View(values), {});

  for (std::size_t h = 0; h < 6; ++h) {
    EXPECT_NEAR(attended(1, h, 2, 1),
                MeanValue({.b = 1, .h = h / 3, .d = 1}, 0, 3), kMeanTolerance)
        << "query head " << h;
  }
}

TEST(CausalAttentionTest, ReadsViewsWhoseTokensLieApart) {
  // Given storage for 6 tokens of which the first 4 are held; the rest is NaN
  // and must not be touched.
  Tensor4 storage = Tensor4::from_shape({2, 2, 6, 4});
  storage.fill(std::numeric_limits<float>::quiet_NaN());
  const Tensor4 held =
      NumberedTokens({.batch = 2, .heads = 2, .head_dim = 4}, 0, 4);
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t h = 0; h < 2; ++h) {
      for (std::size_t s = 0; s < 4; ++s) {
        for (std::size_t d = 0; d < 4; ++d) {
          storage(b, h, s, d) = held(b, h, s, d);
        }
      }
    }
  }
  const ConstView4 view = MakeView(storage.data(), {2, 2, 4, 4}, {48, 24, 4});

  EXPECT_TRUE(
      Near(CausalAttention(Zeros({2, 2, 1, 4}), view, view, {}),
           CausalAttention(Zeros({2, 2, 1, 4}), View(held), View(held), {}),
           kTolerance));
}

// One size at a time exceeds any fixed buffer; the others stay small.
TEST(CausalAttentionTest, SeesHundredsOfKeys) {
  for (const std::size_t seq_len : {63, 65, 129, 257, 300, 513, 1030}) {
    ExpectRight(RandomInput(130 + seq_len, {.new_len = seq_len}));
  }
}

TEST(CausalAttentionTest, ContinuesAfterHundredsOfTokens) {
  for (const std::size_t past_len : {64, 100, 200, 256, 513, 1024, 2100}) {
    for (const std::size_t new_len : {1, 3, 70}) {
      ExpectRight(RandomInput(131 + past_len,
                              {.past_len = past_len, .new_len = new_len}));
    }
  }
}

TEST(CausalAttentionTest, ServesAnyNumberOfHeads) {
  for (const std::size_t heads :
       {1, 2, 7, 8, 9, 12, 16, 25, 33, 65, 130, 300, 600}) {
    for (const std::size_t kv_heads : {heads, std::size_t{1}, std::size_t{2}}) {
      if (heads % kv_heads != 0) continue;
      ExpectRight(RandomInput(
          132, {.heads = heads, .kv_heads = kv_heads, .new_len = 4}));
    }
  }
}

TEST(CausalAttentionTest, TakesAnyHeadDim) {
  for (const std::size_t head_dim : {1, 2, 3, 5, 7, 13, 20, 33, 80, 129, 300}) {
    ExpectRight(RandomInput(133, {.head_dim = head_dim, .new_len = 4}));
  }
}

TEST(CausalAttentionTest, TakesAnyNumberOfRows) {
  for (const std::size_t batch : {1, 2, 3, 5, 9, 17, 65, 130, 300}) {
    Input input = RandomInput(134, {.batch = batch, .new_len = 4});
    ExpectRight(input);
    for (std::size_t b = 0; b < batch; ++b) input.left_pad.push_back(b % 4);
    ExpectRight(input);
  }
}

// Two sizes at a time, one or both beyond 8 bits. Rows times heads stay small
// enough to start a thread for each.
TEST(CausalAttentionTest, TakesLargeSizesTogether) {
  for (const Sizes& sizes : std::vector<Sizes>{{.batch = 10,
                            .heads = 300,
                            .kv_heads = 1,
                            .head_dim = 2,
                            .past_len = 1,
                            .new_len = 2},
                                               {.batch = 10,
                                               .heads = 4,
                                               .kv_heads = 2,
                                               .head_dim = 3,
                                               .past_len = 300,
                                               .new_len = 10},
                                               {.batch = 2,
                                               .heads = 4,
                                               .kv_heads = 2,
                                               .head_dim = 3,
                                               .past_len = 3,
                                               .new_len = 300},
                                               {.batch = 300,
                                               .heads = 2,
                                               .kv_heads = 1,
                                               .head_dim = 2,
                                               .past_len = 2,
                                               .new_len = 10},
                                               {.batch = 2,
                                               .heads = 70,
                                               .kv_heads = 70,
                                               .head_dim = 3,
                                               .past_len = 300,
                                               .new_len = 2},
                                               {.batch = 2,
                                               .heads = 4,
                                               .kv_heads = 2,
                                               .head_dim = 300,
                                               .past_len = 70,
                                               .new_len = 10},
                                               {.batch = 2,
                                               .heads = 300,
                                               .kv_heads = 300,
                                               .head_dim = 2,
                                               .past_len = 3,
                                               .new_len = 70}}) {
    Input input = RandomInput(136, sizes);
    ExpectRight(input);
    // None, some, all but the newest key, and as far as the last query
    const std::size_t most = sizes.TotalLen() - 1;
    const std::array<std::size_t, 4> pads = {0, sizes.TotalLen() / 2, most,
                                             sizes.past_len};
    for (std::size_t b = 0; b < sizes.batch; ++b) {
      input.left_pad.push_back(pads.at((b + 2) % pads.size()));
    }
    ExpectRight(input);
  }
}

// How much of each row is padding; row 1 of several has none.
enum class Padding { kNone, kLittle, kMost, kBeyondTheKeys };

std::vector<std::size_t> LeftPad(Padding padding, const Sizes& sizes) {
  if (padding == Padding::kNone) return {};
  std::vector<std::size_t> left_pad(sizes.batch, 0);
  for (std::size_t b = 0; b < sizes.batch; ++b) {
    const std::size_t few = b % 3;
    if (b == 1) continue;
    if (padding == Padding::kLittle) left_pad[b] = 1 + few;
    if (padding == Padding::kMost) {
      left_pad[b] = sizes.TotalLen() - std::min(sizes.TotalLen(), 1 + few);
    }
    if (padding == Padding::kBeyondTheKeys) {
      left_pad[b] = sizes.TotalLen() + few;
    }
  }
  return left_pad;
}

// Every choice in a row of this table is combined with every choice in each
// other row:
//
//   batch      1, 2, 5
//   heads on key/value heads
//              1 on 1, 4 on 4, 6 on 2, 12 on 3, 9 on 1
//   head_dim   8, 1, 5, 33
//   past_len   0, 3, 61, 300
//   new_len    1, 4, 67
//   padding    none, little, most (up to 366 columns), longer than the keys
// A bug that needs two of them, such as padding that a chunk ignores or a mask
// that grouped heads skip, shows in one of these cases. All outputs are
// compared, since a bug in one query or head need not show in another.
TEST(CausalAttentionTest, CombinesEveryFeatureWithEveryOther) {
  const std::array<std::size_t, 3> batch = {1, 2, 5};
  const std::array<std::array<std::size_t, 2>, 5> heads = {
      {{1, 1}, {4, 4}, {6, 2}, {12, 3}, {9, 1}}};
  const std::array<std::size_t, 4> head_dim = {8, 1, 5, 33};
  const std::array<std::size_t, 4> past_len = {0, 3, 61, 300};
  const std::array<std::size_t, 3> new_len = {1, 4, 67};
  const std::array<Padding, 4> padding = {Padding::kNone, Padding::kLittle,
                                          Padding::kMost,
                                          Padding::kBeyondTheKeys};
  const std::array<std::size_t, 6> choices = {batch.size(),    heads.size(),
                                              head_dim.size(), past_len.size(),
                                              new_len.size(),  padding.size()};
  std::uint64_t seed = 140;
  for (const std::vector<std::size_t>& row : AllPairs(choices)) {
    const Sizes sizes = {.batch = batch.at(row[0]),
                         .heads = heads.at(row[1])[0],
                         .kv_heads = heads.at(row[1])[1],
                         .head_dim = head_dim.at(row[2]),
                         .past_len = past_len.at(row[3]),
                         .new_len = new_len.at(row[4])};
    Input input = RandomInput(seed++, sizes);
    input.left_pad = LeftPad(padding.at(row[5]), sizes);

    EXPECT_TRUE(Near(Attend(input), Expected(input), ToleranceFor(sizes)))
        << Text(sizes) << ", left_pad of row 0: "
        << (input.left_pad.empty() ? 0 : input.left_pad[0]);
  }
}

TEST(CausalAttentionTest, GivesTheSameAfterLongerShorterAndRefusedCalls) {
  const Input small = RandomInput(150, {.batch = 2, .new_len = 3});
  const Input large = RandomInput(
      151,
      {.batch = 3, .heads = 4, .kv_heads = 2, .past_len = 90, .new_len = 80});
  const Tensor4 small_alone = Attend(small);
  const Tensor4 large_alone = Attend(large);
  EXPECT_TRUE(Near(small_alone, Expected(small), ToleranceFor(small.sizes)));

  EXPECT_TRUE(Near(Attend(small), small_alone, kSame));
  const std::vector<std::size_t> three_rows = {0, 1, 2};
  EXPECT_THROW(CausalAttention(small.queries, View(small.keys),
                               View(small.values), three_rows),
               ContractError);
  EXPECT_TRUE(Near(Attend(large), large_alone, kSame));
  EXPECT_TRUE(Near(Attend(small), small_alone, kSame));
}

// Adds 16 * of_queries / sqrt(8) to every score: softmax does not change, but a
// maximum of such scores is of no use for others.
Input WithScoresMoved(Input input, float of_queries) {
  const Sizes& sizes = input.sizes;
  for (std::size_t b = 0; b < sizes.batch; ++b) {
    for (std::size_t h = 0; h < sizes.heads; ++h) {
      for (std::size_t i = 0; i < sizes.new_len; ++i) {
        input.queries(b, h, i, 0) = of_queries;
      }
    }
    for (std::size_t h = 0; h < sizes.kv_heads; ++h) {
      for (std::size_t j = 0; j < sizes.TotalLen(); ++j) {
        input.keys(b, h, j, 0) = 16;
      }
    }
  }
  return input;
}

// Ends the process: with 0 if both threads always got the numbers in `expected`
// for both inputs.
[[noreturn]] void AttendInTwoThreads(const std::array<Input, 2>& inputs,
                                     const std::array<Tensor4, 2>& expected) {
  std::array<bool, 2> right = {true, true};
  // On a busy machine one thread could be done before the other begins.
  std::latch both(2);
  const auto attend = [&](std::size_t t) {
    both.arrive_and_wait();
    for (int call = 0; call < 12; ++call) {
      right.at(t) = right.at(t) && Near(Attend(inputs.at(t)), expected.at(t),
                                        ToleranceFor(inputs.at(t).sizes));
    }
  };
  std::thread first(attend, 0);
  std::thread second(attend, 1);
  first.join();
  second.join();
  std::_Exit(right[0] && right[1] ? 0 : 1);
}

// In a separate process, since two threads that share a buffer may crash the
// program.
TEST(CausalAttentionDeathTest, ServesSeveralThreadsAtTheSameTime) {
  // A call takes longer than a busy machine lets a thread run in one go, so
  // that threads meet on a single core as well. Scores are near 51, and near
  // -51: e^102 is beyond float32.
  const std::array<Input, 2> inputs = {
      WithScoresMoved(
          RandomInput(152, {.heads = 8, .kv_heads = 8, .new_len = 450}), 9),
      WithScoresMoved(
          RandomInput(153, {.heads = 6, .kv_heads = 6, .new_len = 520}), -9)};
  const std::array<Tensor4, 2> expected = {Expected(inputs[0]),
                                           Expected(inputs[1])};
  EXPECT_EXIT(AttendInTwoThreads(inputs, expected),
              ::testing::ExitedWithCode(0), "")
      << "a static or global buffer is shared by all threads";
}

// Pairs of query and key that see each other, in all rows and heads.
std::size_t SeenPairs(const Input& input) {
  const Sizes& sizes = input.sizes;
  std::size_t pairs = 0;
  for (std::size_t b = 0; b < sizes.batch; ++b) {
    const std::size_t pad = input.left_pad.empty() ? 0 : input.left_pad[b];
    for (std::size_t i = 0; i < sizes.new_len; ++i) {
      const std::size_t end = sizes.past_len + i + 1;
      pairs += sizes.heads * (end - std::min(pad, end));
    }
  }
  return pairs;
}

TEST(CausalAttentionTest, CountsBothProductsAsAttention) {
  for (const std::vector<std::size_t>& left_pad :
       {std::vector<std::size_t>{}, std::vector<std::size_t>{0, 4}}) {
    Input input = RandomInput(17, {.batch = 2,
                                   .heads = 4,
                                   .kv_heads = 2,
                                   .head_dim = 8,
                                   .past_len = 2,
                                   .new_len = 3});
    input.left_pad = left_pad;

    const WorkCounts before = CountedWork();
    Attend(input);
    const WorkCounts work = CountedWork() - before;

    // Two products of D multiply-accumulates a pair: at least those pairs that
    // see each other, at most all T * S of every head.
    EXPECT_GE(work[Work::kAttention], 2 * 8 * SeenPairs(input));
    EXPECT_LE(work[Work::kAttention], 2U * 8 * (2 * 4) * (3 * 5));
    EXPECT_EQ(work.Total(), work[Work::kAttention]);
  }
}

TEST(CausalAttentionTest, RefusesShapesThatDisagreeAndNamesBoth) {
  const Tensor4 queries = Zeros({2, 3, 4, 8});
  const Tensor4 keys = Zeros({2, 3, 4, 8});
  const Tensor4 fewer_values = Zeros({2, 3, 3, 8});
  const Tensor4 other_heads = Zeros({2, 2, 4, 8});
  const Tensor4 too_few = Zeros({2, 3, 2, 8});
  const std::vector<std::size_t> short_pad = {0};
  EXPECT_EQ(CausalAttention(queries, View(keys), View(keys), {}).shape(2), 4U);

  EXPECT_THAT(MessageOf<ContractError>([&] {
                CausalAttention(queries, View(keys), View(fewer_values), {});
              }),
              AllOf(HasSubstr("[2, 3, 3, 8]"), HasSubstr("[2, 3, 4, 8]")));
  EXPECT_THAT(MessageOf<ContractError>([&] {
                CausalAttention(queries, View(other_heads), View(other_heads),
                                {});
              }),
              HasSubstr("3 query heads, 2 key/value heads"));
  EXPECT_THAT(MessageOf<ContractError>([&] {
                CausalAttention(queries, View(too_few), View(too_few), {});
              }),
              HasSubstr("fewer keys than queries"));
  EXPECT_THAT(MessageOf<ContractError>([&] {
                CausalAttention(queries, View(keys), View(keys), short_pad);
              }),
              HasSubstr("1 entries for 2 batch rows"));
}

// ---- Task 1.4 ----------------------------------------------------------

// A model of 3 heads of 4 features.
AttentionWeights SmallWeights(std::uint64_t seed) {
  Random random(seed);
  const Gpt2Config config = {.num_layers = 1,
                             .num_heads = 3,
                             .d_model = 12,
                             .d_mlp = 8,
                             .max_positions = 16,
                             .vocab_size = 5};
  return RandomGpt2Weights(random, config).blocks.front().attn;
}

TEST(ProjectQkvTest, CutsTheProductIntoQueriesKeysAndValues) {
  const AttentionWeights weights = SmallWeights(21);
  Random random(22);
  const Tensor3 x = RandomTensor3(random, {2, 3, 12});

  const Qkv qkv = ProjectQkv(x, weights, 3);

  // Output feature 0 * 12 + h * 4 + d is query [h, d]; keys start at 12,
  // values at 24.
  const auto feature = [&](std::size_t b, std::size_t t, std::size_t out) {
    double sum = weights.c_attn.bias(out);
    for (std::size_t in = 0; in < 12; ++in) {
      sum +=
          static_cast<double>(x(b, t, in)) * weights.c_attn.weight.At(in, out);
    }
    return static_cast<float>(sum);
  };
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t h = 0; h < 3; ++h) {
      for (std::size_t t = 0; t < 3; ++t) {
        for (std::size_t d = 0; d < 4; ++d) {
          const std::size_t out = h * 4 + d;
          ASSERT_NEAR(qkv.queries(b, h, t, d), feature(b, t, out), kTolerance);
          ASSERT_NEAR(qkv.keys(b, h, t, d), feature(b, t, 12 + out),
                      kTolerance);
          ASSERT_NEAR(qkv.values(b, h, t, d), feature(b, t, 24 + out),
                      kTolerance);
        }
      }
    }
  }
}

TEST(ProjectQkvTest, CountsThreeSquaresOfTheWidthPerToken) {
  Random random(23);
  const Tensor3 x = RandomTensor3(random, {2, 5, 12});

  const WorkCounts before = CountedWork();
  ProjectQkv(x, SmallWeights(21), 3);
  const WorkCounts work = CountedWork() - before;

  EXPECT_EQ(work[Work::kQkv], 2U * 5 * 3 * 12 * 12);
  EXPECT_EQ(work.Total(), work[Work::kQkv]);
}

TEST(ProjectOutputTest, MultipliesTheMergedHeads) {
  const AttentionWeights weights = SmallWeights(24);
  Random random(25);
  const Tensor4 attended = RandomTensor4(random, {2, 3, 2, 4});

  const WorkCounts before = CountedWork();
  const Tensor3 out = ProjectOutput(attended, weights);
  const WorkCounts work = CountedWork() - before;

  double expected = weights.c_proj.bias(7);
  for (std::size_t h = 0; h < 3; ++h) {
    for (std::size_t d = 0; d < 4; ++d) {
      expected += static_cast<double>(attended(1, h, 1, d)) *
                  weights.c_proj.weight.At(h * 4 + d, 7);
    }
  }
  EXPECT_NEAR(out(1, 1, 7), expected, kTolerance);
  EXPECT_EQ(work[Work::kProjection], 2U * 2 * 12 * 12);
  EXPECT_EQ(work.Total(), work[Work::kProjection]);
}

TEST(ProjectQkvTest, RefusesAnotherWidth) {
  const Tensor3 x = Tensor3::from_shape({1, 2, 11});
  Random random(30);
  const Tensor3 fitting = RandomTensor3(random, {1, 2, 12});
  EXPECT_EQ(ProjectQkv(fitting, SmallWeights(21), 3).keys.shape(3), 4U);

  EXPECT_THAT(
      MessageOf<ContractError>([&] { ProjectQkv(x, SmallWeights(21), 3); }),
      AllOf(HasSubstr("[1, 2, 11]"), HasSubstr("[1, 2, 12]")));
}

TEST(ProjectOutputTest, RefusesAnotherWidth) {
  Random random(31);
  const Tensor4 fitting = RandomTensor4(random, {1, 3, 2, 4});
  EXPECT_EQ(ProjectOutput(fitting, SmallWeights(21)).shape(2), 12U);
  const Tensor4 attended = RandomTensor4(random, {1, 3, 2, 5});
  EXPECT_THAT(MessageOf<ContractError>(
                  [&] { ProjectOutput(attended, SmallWeights(21)); }),
              AllOf(HasSubstr("[15]"), HasSubstr("[12]")));
}

TEST(MultiHeadAttentionTest, RefusesWhatItsPartsRefuse) {
  Random random(32);
  const Tensor3 x = RandomTensor3(random, {2, 4, 12});
  const std::vector<std::size_t> left_pad = {0, 1, 2};
  EXPECT_THROW(MultiHeadAttention(x, SmallWeights(21), 5, {}), ContractError);
  EXPECT_THROW(MultiHeadAttention(x, SmallWeights(21), 3, left_pad),
               ContractError);
}

TEST(MultiHeadAttentionTest, IsProjectAttendProject) {
  const AttentionWeights weights = SmallWeights(26);
  Random random(27);
  const Tensor3 x = RandomTensor3(random, {2, 5, 12});
  const std::vector<std::size_t> left_pad = {0, 2};
  const Qkv qkv = ProjectQkv(x, weights, 3);

  EXPECT_TRUE(Near(MultiHeadAttention(x, weights, 3, left_pad),
                   ProjectOutput(CausalAttention(qkv.queries, View(qkv.keys),
                                                 View(qkv.values), left_pad),
                                 weights),
                   kTolerance));
}

TEST(MultiHeadAttentionTest, ServesManyHeadsRowsAndTokens) {
  // Given models of many heads, of heads of one feature, of one head
  struct Case {
    std::size_t heads;
    std::size_t head_dim;
    std::size_t batch;
    std::size_t seq_len;
  };
  for (const Case& one : std::vector<Case>{{12, 5, 5, 7},
                                           {25, 1, 2, 70},
                                           {1, 33, 3, 130},
                                           {16, 3, 1, 1},
                                           {2, 3, 300, 3},
                                           {300, 1, 1, 3},
                                           {1, 300, 1, 3},
                                           {300, 1, 10, 3},
                                           {2, 3, 10, 300},
                                           {10, 3, 10, 10}}) {
    Random random(260);
    const std::size_t d_model = one.heads * one.head_dim;
    const Gpt2Weights model = RandomGpt2Weights(random, {.num_layers = 1,
                                                         .num_heads = one.heads,
                                                         .d_model = d_model,
                                                         .d_mlp = 8,
                                                         .max_positions = 16,
                                                         .vocab_size = 5});
    const AttentionWeights& weights = model.blocks.front().attn;
    const Tensor3 x = RandomTensor3(random, {one.batch, one.seq_len, d_model});
    std::vector<std::size_t> left_pad(one.batch, 0);
    left_pad.back() = one.seq_len / 2;

    // Then every part equals that of plain loops over the tokens
    const Qkv qkv = ProjectQkv(x, weights, one.heads);
    const auto feature = [&](std::size_t b, std::size_t t, std::size_t out) {
      double sum = weights.c_attn.bias(out);
      for (std::size_t in = 0; in < d_model; ++in) {
        sum += double{x(b, t, in)} * double{weights.c_attn.weight.At(in, out)};
      }
      return static_cast<float>(sum);
    };
    const std::size_t last = one.seq_len - 1;
    for (std::size_t h = 0; h < one.heads; ++h) {
      for (std::size_t d = 0; d < one.head_dim; ++d) {
        const std::size_t out = h * one.head_dim + d;
        const std::size_t b = one.batch - 1;
        ASSERT_NEAR(qkv.queries(b, h, last, d), feature(b, last, out),
                    kTolerance);
        ASSERT_NEAR(qkv.keys(b, h, last, d), feature(b, last, d_model + out),
                    kTolerance);
        ASSERT_NEAR(qkv.values(b, h, last, d),
                    feature(b, last, 2 * d_model + out), kTolerance);
      }
    }
    const Input input = {.sizes = {.batch = one.batch,
                                   .heads = one.heads,
                                   .kv_heads = one.heads,
                                   .head_dim = one.head_dim,
                                   .past_len = 0,
                                   .new_len = one.seq_len},
                         .queries = qkv.queries,
                         .keys = qkv.keys,
                         .values = qkv.values,
                         .left_pad = left_pad};
    const Tensor3 merged = MergeHeads(Expected(input));
    const Tensor3 whole = MultiHeadAttention(x, weights, one.heads, left_pad);
    for (std::size_t b = 0; b < one.batch; ++b) {
      for (std::size_t out = 0; out < d_model; ++out) {
        double sum = weights.c_proj.bias(out);
        for (std::size_t in = 0; in < d_model; ++in) {
          sum += double{merged(b, last, in)} *
                 double{weights.c_proj.weight.At(in, out)};
        }
        // sums of 60 products on attention of 130 keys
        ASSERT_NEAR(whole(b, last, out), sum, 5e-5F)
            << one.heads << " heads, row " << b << ", feature " << out;
      }
    }
  }
}

TEST(MultiHeadAttentionTest, DoesNotLookAhead) {
  // Given two inputs that differ only at the last token
  const AttentionWeights weights = SmallWeights(28);
  Random random(29);
  Tensor3 x = RandomTensor3(random, {1, 4, 12});
  const Tensor3 before = MultiHeadAttention(x, weights, 3, {});
  for (std::size_t d = 0; d < 12; ++d) x(0, 3, d) += 1.0F;
  const Tensor3 after = MultiHeadAttention(x, weights, 3, {});

  // Then all outputs except the last are the same
  for (std::size_t t = 0; t < 3; ++t) {
    for (std::size_t d = 0; d < 12; ++d) {
      // 1e-6: the same sums, of numbers below 1
      EXPECT_NEAR(after(0, t, d), before(0, t, d), 1e-6F) << "token " << t;
    }
  }
  EXPECT_GT(std::abs(after(0, 3, 0) - before(0, 3, 0)), 100 * kTolerance);
}

}  // namespace
}  // namespace kvlab
