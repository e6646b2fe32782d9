// Keeps the promises of attention.h, task by task. Expected numbers come from
// closed forms: with queries of zero all scores are equal, so attention is the
// mean of the values a query may see, and values that name their place show
// which those were.
#include "modules/01_attention/attention.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/random.h"
#include "kit/tensor.h"
#include "kit/testing.h"
#include "kit/work.h"

namespace kvlab {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Sums of at most 32 floats of size 1: each rounds to 2^-24 of its size.
constexpr float kTolerance = 1e-5F;

// The mean of numbered values bhsd over positions [begin, end).
float MeanValue(std::size_t b, std::size_t h, std::size_t begin,
                std::size_t end, std::size_t d) {
  const float mean_position = static_cast<float>(begin + end - 1) / 2.0F;
  return static_cast<float>(1000 * b + 100 * h + d) + 10.0F * mean_position;
}

Tensor4 Zeros(const std::array<std::size_t, 4>& shape) {
  Tensor4 zeros = Tensor4::from_shape(shape);
  zeros.fill(0.0F);
  return zeros;
}

// Positions [begin, end) of axis 2.
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

// ---- Task 1.1 ----------------------------------------------------------

TEST(SoftmaxRowsTest, TurnsScoresIntoProbabilities) {
  // Given scores whose exponentials are in the ratio 1 : 3 : 4, and 2 : 1 : 1
  Tensor2 scores = {{std::log(1.0F), std::log(3.0F), std::log(4.0F)},
                    {std::log(2.0F), std::log(1.0F), std::log(1.0F)}};

  SoftmaxRows(Rows(scores));

  const Tensor2 expected = {{0.125F, 0.375F, 0.5F}, {0.5F, 0.25F, 0.25F}};
  EXPECT_TRUE(Near(scores, expected, 1e-6F));
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
  EXPECT_NEAR(scores(0, 0), 0.5F, 1e-6F);
}

TEST(SoftmaxRowsTest, TurnsARowThatSeesNothingIntoZeros) {
  Tensor2 scores = {{-kInfinity, -kInfinity}, {1.0F, 1.0F}};

  SoftmaxRows(Rows(scores));

  const Tensor2 expected = {{0.0F, 0.0F}, {0.5F, 0.5F}};
  EXPECT_TRUE(Near(scores, expected, 1e-6F));
}

TEST(SoftmaxRowsTest, WorksOnAMatrixInsideALargerOne) {
  // Given two rows of three floats, of which the matrix is the first two
  Tensor2 storage = {{0.0F, 0.0F, 7.0F}, {0.0F, std::log(3.0F), 8.0F}};

  SoftmaxRows({.data = storage.data(), .rows = 2, .cols = 2, .row_stride = 3});

  const Tensor2 expected = {{0.5F, 0.5F, 7.0F}, {0.25F, 0.75F, 8.0F}};
  EXPECT_TRUE(Near(storage, expected, 1e-6F));
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

  EXPECT_TRUE(Same(View(SplitHeads(x, 3)), NumberedTokens(2, 3, 0, 4, 2)));
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

  EXPECT_TRUE(Near(MergeHeads(SplitHeads(x, 3)), x, 0.0F));
}

TEST(MergeHeadsTest, ConcatenatesHeadsAlongTheFeatures) {
  const Tensor3 merged = MergeHeads(NumberedTokens(2, 3, 0, 4, 2));

  ASSERT_THAT(merged.shape(), ElementsAre(2U, 4U, 6U));
  // Token 3 of row 1: both features of head 0, then of head 1, then of head 2
  EXPECT_THAT(Rows(merged).Row(1 * 4 + 3),
              ElementsAre(1030, 1031, 1130, 1131, 1230, 1231));
}

// ---- Task 1.3 ----------------------------------------------------------

TEST(CausalAttentionTest, WeighsValuesByTheSoftmaxOfScaledScores) {
  // Given, for the second query, q . k = sqrt(D) * log(3) with the first key
  // and 0 with the second, so that the weights are 3/4 and 1/4. With another
  // scale they would not be. The first query sees the first key alone.
  const float length = std::sqrt(2.0F * std::log(3.0F));
  const Tensor4 queries = {{{{1, 2, 3, 4}, {length, 0, 0, 0}}}};
  const Tensor4 keys = {{{{length, 0, 0, 0}, {0, 1, 1, 1}}}};
  const Tensor4 values = {{{{4, 8, 0, -4}, {8, 0, 4, 4}}}};

  const Tensor4 expected = {{{{4, 8, 0, -4}, {5, 6, 1, -2}}}};
  EXPECT_TRUE(Near(CausalAttention(queries, View(keys), View(values), {}),
                   expected, kTolerance));
}

TEST(CausalAttentionTest, LetsQueryISeeKeysUpToI) {
  const Tensor4 values = NumberedTokens(2, 3, 0, 5, 4);
  Random random(12);
  const Tensor4 keys = RandomTensor4(random, {2, 3, 5, 4});

  const Tensor4 attended =
      CausalAttention(Zeros({2, 3, 5, 4}), View(keys), View(values), {});

  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t h = 0; h < 3; ++h) {
      for (std::size_t i = 0; i < 5; ++i) {
        for (std::size_t d = 0; d < 4; ++d) {
          ASSERT_NEAR(attended(b, h, i, d), MeanValue(b, h, 0, i + 1, d), 0.01F)
              << "batch " << b << ", head " << h << ", query " << i;
        }
      }
    }
  }
}

TEST(CausalAttentionTest, AlignsTheMaskOfAChunkToTheBottomRight) {
  // Given 3 tokens in the past and a chunk of 2: query 0 of the chunk stands
  // at position 3 and sees keys 0 .. 3, not key 0 alone.
  const Tensor4 values = NumberedTokens(1, 2, 0, 5, 4);
  Random random(13);
  const Tensor4 keys = RandomTensor4(random, {1, 2, 5, 4});

  const Tensor4 attended =
      CausalAttention(Zeros({1, 2, 2, 4}), View(keys), View(values), {});

  EXPECT_NEAR(attended(0, 1, 0, 2), MeanValue(0, 1, 0, 4, 2), 0.01F)
      << "query 0 of the chunk stands at position 3 and sees keys 0 to 3";
  EXPECT_NEAR(attended(0, 1, 1, 2), MeanValue(0, 1, 0, 5, 2), 0.01F)
      << "query 1 of the chunk stands at position 4 and sees keys 0 to 4";
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
  const Tensor4 values = NumberedTokens(3, 2, 0, 6, 4);
  Random random(15);
  const Tensor4 keys = RandomTensor4(random, {3, 2, 6, 4});

  const Tensor4 attended =
      CausalAttention(Zeros({3, 2, 6, 4}), View(keys), View(values), left_pad);

  for (std::size_t b = 0; b < 3; ++b) {
    for (std::size_t i = left_pad[b]; i < 6; ++i) {
      ASSERT_NEAR(attended(b, 1, i, 3), MeanValue(b, 1, left_pad[b], i + 1, 3),
                  0.01F)
          << "batch " << b << ", query " << i;
    }
  }
}

TEST(CausalAttentionTest, GivesZerosToAQueryThatSeesNoKey) {
  const std::vector<std::size_t> left_pad = {2};
  const Tensor4 values = NumberedTokens(1, 1, 5, 8, 4);

  const Tensor4 attended = CausalAttention(Zeros({1, 1, 3, 4}), View(values),
                                           View(values), left_pad);

  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t d = 0; d < 4; ++d) EXPECT_EQ(attended(0, 0, i, d), 0.0F);
  }
  EXPECT_NEAR(attended(0, 0, 2, 0), 70.0F, 0.01F);
}

TEST(CausalAttentionTest, SharesAKeyValueHeadAmongAGroupOfQueryHeads) {
  // Given 6 query heads over 2 key/value heads: 0, 1, 2 read head 0
  const Tensor4 values = NumberedTokens(2, 2, 0, 3, 4);
  Random random(16);
  const Tensor4 keys = RandomTensor4(random, {2, 2, 3, 4});

  const Tensor4 attended =
      CausalAttention(Zeros({2, 6, 3, 4}), View(keys), View(values), {});

  for (std::size_t h = 0; h < 6; ++h) {
    EXPECT_NEAR(attended(1, h, 2, 1), MeanValue(1, h / 3, 0, 3, 1), 0.01F)
        << "query head " << h;
  }
}

TEST(CausalAttentionTest, ReadsViewsWhoseTokensLieApart) {
  // Given storage for 6 tokens of which the first 4 are held; the rest is NaN
  // and must not be touched.
  Tensor4 storage = Tensor4::from_shape({2, 2, 6, 4});
  storage.fill(std::numeric_limits<float>::quiet_NaN());
  const Tensor4 held = NumberedTokens(2, 2, 0, 4, 4);
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

TEST(CausalAttentionTest, CountsBothProductsAsAttention) {
  Random random(17);
  const Tensor4 queries = RandomTensor4(random, {2, 4, 3, 8});
  const Tensor4 keys = RandomTensor4(random, {2, 2, 5, 8});

  const WorkCounts before = CountedWork();
  CausalAttention(queries, View(keys), View(keys), {});
  const WorkCounts work = CountedWork() - before;

  // At least 2 * B * H * D per pair that sees each other, 3 + 4 + 5 of them; at
  // most that for all T * S pairs: what a mask hides may be left out.
  EXPECT_GE(work[Work::kAttention], 2U * 2 * 4 * 8 * (3 + 4 + 5));
  EXPECT_LE(work[Work::kAttention], 2U * 2 * 4 * 3 * 5 * 8);
  EXPECT_EQ(work.Total(), work[Work::kAttention]);
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

TEST(MultiHeadAttentionTest, DoesNotLookAhead) {
  // Given two inputs that differ at the last token alone
  const AttentionWeights weights = SmallWeights(28);
  Random random(29);
  Tensor3 x = RandomTensor3(random, {1, 4, 12});
  const Tensor3 before = MultiHeadAttention(x, weights, 3, {});
  for (std::size_t d = 0; d < 12; ++d) x(0, 3, d) += 1.0F;
  const Tensor3 after = MultiHeadAttention(x, weights, 3, {});

  // Then all outputs but the last are the same
  for (std::size_t t = 0; t < 3; ++t) {
    for (std::size_t d = 0; d < 12; ++d) {
      EXPECT_NEAR(after(0, t, d), before(0, t, d), 1e-6F) << "token " << t;
    }
  }
  EXPECT_GT(std::abs(after(0, 3, 0) - before(0, 3, 0)), 1e-3F);
}

}  // namespace
}  // namespace kvlab
