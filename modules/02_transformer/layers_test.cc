// Tests the contract of layers.h, task by task.
#include "modules/02_transformer/layers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/threads.h"
#include "kit/math/work.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"
#include "modules/01_attention/attention.h"
#include "modules/02_transformer/attention_seam.h"

namespace kvlab {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A few float32 operations on numbers of size 1 to 10.
constexpr float kTolerance = 1e-5F;

LayerNormWeights Norm(const Tensor1& weight, const Tensor1& bias) {
  return {weight, bias};
}

// ---- Task 2.1 ----------------------------------------------------------

TEST(LayerNormTest, GivesEveryTokenMeanZeroAndVarianceOne) {
  // Given tokens of mean 3 and variance 5, and of mean 30 and variance 500
  const Tensor3 x = {{{0, 2, 4, 6}, {0, 20, 40, 60}}};
  const Tensor1 ones = {1, 1, 1, 1};
  const Tensor1 zeros = {0, 0, 0, 0};

  const Tensor3 out = LayerNorm(x, Norm(ones, zeros), 0.0F);

  // (x - mean) / sqrt(variance), the variance divided by 4, not by 3
  const float r = 1.0F / std::sqrt(5.0F);
  const Tensor3 expected = {{{-3 * r, -r, r, 3 * r}, {-3 * r, -r, r, 3 * r}}};
  EXPECT_TRUE(Near(out, expected, kTolerance));
}

TEST(LayerNormTest, AddsEpsilonToTheVariance) {
  const Tensor3 x = {{{0, 2, 4, 6}}};
  const Tensor1 ones = {1, 1, 1, 1};
  const Tensor1 zeros = {0, 0, 0, 0};

  const Tensor3 out = LayerNorm(x, Norm(ones, zeros), 4.0F);

  const Tensor3 expected = {{{-1, -1.0F / 3, 1.0F / 3, 1}}};  // sqrt(5 + 4)
  EXPECT_TRUE(Near(out, expected, kTolerance));
}

TEST(LayerNormTest, ScalesAndShiftsEveryFeatureByItsOwnWeights) {
  const Tensor3 x = {{{0, 2, 4, 6}}};
  const Tensor1 weight = {3, 6, 9, 12};
  const Tensor1 bias = {10, 20, 30, 40};

  const Tensor3 out = LayerNorm(x, Norm(weight, bias), 4.0F);

  const Tensor3 expected = {{{7, 18, 33, 52}}};
  EXPECT_TRUE(Near(out, expected, kTolerance));
}

TEST(LayerNormTest, TreatsEveryTokenOfEveryRowAlone) {
  Random random(31);
  const Tensor3 x = RandomTensor3(random, {2, 3, 20});
  const LayerNormWeights weights =
      Norm(RandomTensor1(random, 20), RandomTensor1(random, 20));
  const Tensor3 all = LayerNorm(x, weights, 1e-5F);

  Tensor3 one = Tensor3::from_shape({1, 1, 20});
  std::copy_n(&x(1, 2, 0), 20, &one(0, 0, 0));
  const Tensor3 alone = LayerNorm(one, weights, 1e-5F);

  for (std::size_t d = 0; d < 20; ++d) {
    EXPECT_NEAR(all(1, 2, d), alone(0, 0, d), kTolerance);
  }
}

// Layer norm of one token in doubles: the slower second method.
std::vector<double> ExpectedNorm(std::span<const float> token, double epsilon) {
  const auto count = static_cast<double>(token.size());
  double mean = 0;
  for (const float x : token) mean += x / count;
  double variance = 0;
  for (const float x : token) variance += (x - mean) * (x - mean) / count;
  std::vector<double> normal;
  for (const float x : token) {
    normal.push_back((x - mean) / std::sqrt(variance + epsilon));
  }
  return normal;
}

struct NormTrial {
  float epsilon = 0;
  float tolerance = 0;
};

void ExpectNormal(const Tensor3& x, const NormTrial& trial) {
  const auto& [epsilon, tolerance] = trial;
  Random random(131);
  const std::size_t d_model = x.shape(2);
  const LayerNormWeights weights =
      Norm(RandomTensor1(random, d_model), RandomTensor1(random, d_model));
  const Tensor3 out = LayerNorm(x, weights, epsilon);
  for (std::size_t token = 0; token < Rows(x).rows; ++token) {
    const std::vector<double> normal =
        ExpectedNorm(Rows(x).Row(token), epsilon);
    for (std::size_t d = 0; d < d_model; ++d) {
      ASSERT_NEAR(Rows(out).Row(token)[d],
                  normal[d] * weights.weight(d) + weights.bias(d), tolerance)
          << d_model << " features, token " << token << ", feature " << d;
    }
  }
}

TEST(LayerNormTest, TakesAnyNumberOfFeaturesTokensAndRows) {
  Random random(132);
  for (const auto& shape :
       std::vector<std::array<std::size_t, 3>>{{1, 1, 1},
                                               {2, 3, 2},
                                               {5, 3, 7},
                                               {1, 300, 9},
                                               {70, 2, 33},
                                               {300, 1, 3},
                                               {2, 2, 129},
                                               {2, 2, 1600}}) {
    // sums of up to 1,600 numbers of size 1, each addition off by 2^-24
    ExpectNormal(RandomTensor3(random, shape),
                 {.epsilon = 1e-5F, .tolerance = 5e-5F});
  }
}

TEST(LayerNormTest, KeepsItsDigitsWhereTheMeanIsFarFromZero) {
  // Given features around 1000 whose variance is 1/3. The mean square is 1e6,
  // where floats are 0.06 apart: subtracting the squared mean would leave
  // noise.
  Random random(133);
  for (const float mean : {1000.0F, -1000.0F}) {
    Tensor3 x = RandomTensor3(random, {2, 3, 20});
    for (float& feature : x) feature += mean;
    // A running sum of 20 such numbers moves the mean by 20 * 1000 * 2^-25.
    ExpectNormal(x, {.epsilon = 1e-5F, .tolerance = 3e-3F});
  }
}

TEST(LayerNormTest, TakesTheEpsilonThatItIsGiven) {
  Random random(134);
  Tensor3 x = RandomTensor3(random, {2, 3, 20});
  for (const float epsilon : {0.0F, 1e-3F, 0.1F, 10.0F}) {
    ExpectNormal(x, {.epsilon = epsilon, .tolerance = kTolerance});
  }
}

TEST(LayerNormTest, SurvivesATokenOfEqualFeatures) {
  const Tensor3 x = {{{7, 7, 7, 7}}};
  const Tensor1 ones = {1, 1, 1, 1};
  const Tensor1 bias = {1, 2, 3, 4};

  const Tensor3 expected = {{{1, 2, 3, 4}}};
  EXPECT_TRUE(
      Near(LayerNorm(x, Norm(ones, bias), 1e-5F), expected, kTolerance));
}

TEST(LayerNormTest, RefusesWeightsOfAnotherWidth) {
  const Tensor3 x = {{{0, 2, 4, 6}}};
  const Tensor1 three = {1, 1, 1};
  const Tensor1 four = {1, 1, 1, 1};
  EXPECT_EQ(LayerNorm(x, Norm(four, four), 1e-5F).shape(2), 4U);

  EXPECT_THAT(
      MessageOf<ContractError>([&] { LayerNorm(x, Norm(three, four), 1e-5F); }),
      AllOf(HasSubstr("weight"), HasSubstr("[3]"), HasSubstr("[4]")));
  EXPECT_THROW(LayerNorm(x, Norm(four, three), 1e-5F), ContractError);
}

// ---- Task 2.2 ----------------------------------------------------------

TEST(GeluInPlaceTest, IsTheTanhForm) {
  std::vector<float> values = {-3.0F, -1.0F, -0.5F, 0.0F, 0.5F, 1.0F, 3.0F};

  GeluInPlace(values);

  // The tanh form in double precision. The exact form (with erf) differs by
  // up to 5e-4: at x = 3 it is 2.99595.
  const std::vector<float> expected = {-0.00363739F, -0.15880800F, -0.15428599F,
                                       0.0F,         0.34571401F,  0.84119199F,
                                       2.99636261F};
  for (std::size_t i = 0; i < values.size(); ++i) {
    // 2e-6: tanh is off by a few times 2^-24, and x is up to 3.
    EXPECT_NEAR(values[i], expected[i], 2e-6F) << "element " << i;
  }
}

// Long enough for any buffer, and not a multiple of a vector's width; and every
// short length, without a missing rest.
class GeluOfManyTest : public ::testing::TestWithParam<std::size_t> {};

INSTANTIATE_TEST_SUITE_P(Lengths, GeluOfManyTest,
                         ::testing::Values(0, 1, 7, 9, 255, 257, 1003, 5000));

TEST_P(GeluOfManyTest, TreatsEveryElementAlike) {
  std::vector<float> values(GetParam());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>((i * 7) % 1003) * 0.01F - 5.0F;
  }
  std::vector<float> gelu = values;

  GeluInPlace(gelu);

  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = values[i];
    const double expected = 0.5 * x *
                            (1.0 + std::tanh(std::sqrt(2.0 / std::acos(-1.0)) *
                                             (x + 0.044715 * x * x * x)));
    // 5e-6: tanh is off by a few times 2^-24, and x is up to 5.03.
    ASSERT_NEAR(gelu[i], expected, 5e-6) << "element " << i << ", x = " << x;
  }
}

// As many as a wide layer has for a long prompt, which a solution may share
// among threads: no element is left over between two of them.
TEST(GeluInPlaceTest, TreatsEveryElementAlikeOnAnyNumberOfThreads) {
  std::vector<float> values(300'001);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>((i * 7) % 1003) * 0.01F - 5.0F;
  }
  std::vector<float> period(values.begin(), values.begin() + 1003);
  GeluInPlace(period);
  for (const std::size_t threads : {1, 2, 3}) {
    SetThreads(threads);
    std::vector<float> gelu = values;
    GeluInPlace(gelu);
    SetThreads(1);
    for (std::size_t i = 0; i < gelu.size(); ++i) {
      // 1e-6: where an element is among others may change how it is rounded.
      ASSERT_NEAR(gelu[i], period[i % 1003], 1e-6)
          << "element " << i << ", " << threads << " threads";
    }
  }
}

TEST(GeluInPlaceTest, KeepsLargeNumbersFinite) {
  std::vector<float> values = {100.0F, -100.0F};

  GeluInPlace(values);

  EXPECT_FLOAT_EQ(values[0], 100.0F);
  EXPECT_NEAR(values[1], 0.0F, 1e-6F);  // e^-x is 0 there, tanh is -1
}

// ---- Task 2.3 ----------------------------------------------------------

// A map from 2 to 3 features and back, with numbers one can follow by hand.
MlpWeights SmallMlp() {
  const std::vector<float> up = {100, 0, -100, 0, 100, 100};  // [2, 3]
  const std::vector<float> down = {1, 0, 0, 1, 5, 7};         // [3, 2]
  return {{WeightMatrix::FromFloats(up, WeightLayout::kInOut, 2, 3),
           Tensor1{0, 0, 0}},
          {WeightMatrix::FromFloats(down, WeightLayout::kInOut, 3, 2),
           Tensor1{0.5F, -0.5F}}};
}

TEST(MlpTest, IsUpGeluDown) {
  // Given x = (1, 2): up gives (100, 200, 100), which GELU leaves alone, and
  // x = (2, 1): (200, 100, -100), of which GELU makes the last one 0.
  const Tensor3 x = {{{1, 2}, {2, 1}}};

  const Tensor3 expected = {{{600.5F, 899.5F}, {200.5F, 99.5F}}};
  EXPECT_TRUE(Near(Mlp(x, SmallMlp()), expected, kTolerance));
}

// The MLP of one token in doubles: the slower second method.
std::vector<double> ExpectedMlp(std::span<const float> token,
                                const MlpWeights& weights) {
  std::vector<double> out(weights.c_proj.weight.Out());
  for (std::size_t o = 0; o < out.size(); ++o) out[o] = weights.c_proj.bias(o);
  for (std::size_t h = 0; h < weights.c_fc.weight.Out(); ++h) {
    double x = weights.c_fc.bias(h);
    for (std::size_t in = 0; in < token.size(); ++in) {
      x += double{token[in]} * double{weights.c_fc.weight.At(in, h)};
    }
    const double gelu = 0.5 * x *
                        (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) *
                                       (x + 0.044715 * x * x * x)));
    for (std::size_t o = 0; o < out.size(); ++o) {
      out[o] += gelu * double{weights.c_proj.weight.At(h, o)};
    }
  }
  return out;
}

TEST(MlpTest, TakesAnyWidthAndAnyNumberOfTokens) {
  struct Case {
    std::size_t batch;
    std::size_t seq_len;
    std::size_t d_model;
    std::size_t d_mlp;
  };
  for (const Case& one : std::vector<Case>{{2, 3, 12, 48},
                                           {5, 2, 12, 12},
                                           {1, 70, 12, 5},
                                           {9, 1, 7, 301},
                                           {300, 2, 5, 7},
                                           {2, 2, 301, 3},
                                           {1, 1, 1, 3}}) {
    Random random(330);
    const Gpt2Weights model = RandomGpt2Weights(random, {.num_layers = 1,
                                                         .num_heads = 1,
                                                         .d_model = one.d_model,
                                                         .d_mlp = one.d_mlp,
                                                         .max_positions = 4,
                                                         .vocab_size = 4});
    const MlpWeights& weights = model.blocks.front().mlp;
    const Tensor3 x =
        RandomTensor3(random, {one.batch, one.seq_len, one.d_model});

    const Tensor3 out = Mlp(x, weights);

    for (std::size_t token = 0; token < Rows(x).rows; ++token) {
      const std::vector<double> expected =
          ExpectedMlp(Rows(x).Row(token), weights);
      for (std::size_t d = 0; d < one.d_model; ++d) {
        // 5e-5: sums of up to 301 products
        ASSERT_NEAR(Rows(out).Row(token)[d], expected[d], 5e-5)
            << "d_mlp " << one.d_mlp << ", token " << token << ", feature "
            << d;
      }
    }
  }
}

TEST(MlpTest, CountsBothProductsAsMlp) {
  const Tensor3 x = {{{1, 2}, {2, 1}, {3, 3}}};

  const WorkCounts before = CountedWork();
  Mlp(x, SmallMlp());
  const WorkCounts work = CountedWork() - before;

  EXPECT_EQ(work[Work::kMlp], 3U * 2 * (2 * 3));
  EXPECT_EQ(work.Total(), work[Work::kMlp]);
}

TEST(MlpTest, RefusesAnotherWidth) {
  const Tensor3 x = Tensor3::from_shape({1, 1, 3});
  EXPECT_EQ(Mlp(Tensor3{{{1, 2}}}, SmallMlp()).shape(2), 2U);

  EXPECT_THAT(MessageOf<ContractError>([&] { Mlp(x, SmallMlp()); }),
              AllOf(HasSubstr("[1, 1, 3]"), HasSubstr("[1, 1, 2]")));
}

// ---- Task 2.4 ----------------------------------------------------------

// A stand-in for attention: records its calls and returns a constant.
class RecordingAttention final : public Attention {
 public:
  std::size_t PastLen() const override { return 0; }
  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& /*weights*/,
                  std::span<const std::size_t> left_pad) override {
    ++calls;
    last_layer = layer;
    last_x = x;
    last_left_pad.assign(left_pad.begin(), left_pad.end());
    Tensor3 out = Tensor3::from_shape(x.shape());
    for (std::size_t token = 0; token < Rows(out).rows; ++token) {
      std::ranges::copy(std::array{20.0F, 10.0F}, Rows(out).Row(token).begin());
    }
    return out;
  }

  std::size_t calls = 0;
  std::size_t last_layer = 0;
  Tensor3 last_x;
  std::vector<std::size_t> last_left_pad;
};

// Both norms only add their bias to (-1, 1); the MLP is SmallMlp.
BlockWeights SmallBlock() {
  BlockWeights weights;
  weights.ln_1 = Norm({1, 1}, {0.25F, 0.5F});
  weights.ln_2 = Norm({1, 1}, {3, 0});
  weights.mlp = SmallMlp();
  return weights;
}

TEST(FullAttentionTest, IsMultiHeadAttentionAndRemembersNothing) {
  Random random(140);
  const Gpt2Config config = {.num_layers = 1,
                             .num_heads = 3,
                             .d_model = 12,
                             .d_mlp = 12,
                             .max_positions = 5,
                             .vocab_size = 3};
  const Gpt2Weights weights = RandomGpt2Weights(random, config);
  const AttentionWeights& attn = weights.blocks[0].attn;
  const Tensor3 x = RandomTensor3(random, {2, 5, 12});
  const std::vector<std::size_t> left_pad = {0, 2};
  FullAttention attention(3);
  for (int call = 0; call < 2; ++call) {
    EXPECT_TRUE(Near(attention.Forward(7, x, attn, left_pad),
                     MultiHeadAttention(x, attn, 3, left_pad), 0.0F));
    EXPECT_EQ(attention.PastLen(), 0U);
    EXPECT_FALSE(attention.Remembers());
  }
}

TEST(BlockTest, AddsBothBranchesToWhatCameIn) {
  // Given x = (4, 6). ln_1 makes it (-1, 1) + bias and attention answers
  // (20, 10), so the first sum is (24, 16). ln_2 makes that (1, -1) + (3, 0) =
  // (4, -1), of which SmallMlp makes (400.5, -0.5).
  const Tensor3 x = {{{4, 6}}};
  RecordingAttention attention;

  const Tensor3 out = Block(x, SmallBlock(), 0.0F, {.attention = attention});

  const Tensor3 expected = {{{424.5F, 15.5F}}};
  EXPECT_TRUE(Near(out, expected, kTolerance));
}

TEST(BlockTest, TreatsEveryTokenOfManyRowsAlike) {
  // As above, in hundreds of rows or positions; token i has i added to both
  // features, which the norms remove and both residuals keep.
  for (const auto& [batch, seq_len] : std::vector<std::array<std::size_t, 2>>{
           {300, 2}, {2, 300}, {70, 3}, {9, 1}}) {
    Tensor3 x = Tensor3::from_shape({batch, seq_len, 2});
    for (std::size_t i = 0; i < batch * seq_len; ++i) {
      Rows(x).Row(i)[0] = static_cast<float>(4 + i);
      Rows(x).Row(i)[1] = static_cast<float>(6 + i);
    }
    RecordingAttention attention;
    const std::vector<std::size_t> left_pad(batch, 1);

    const Tensor3 out =
        Block(x, SmallBlock(), 0.0F,
              {.attention = attention, .layer = 300, .left_pad = left_pad});

    EXPECT_EQ(attention.last_layer, 300U);
    EXPECT_EQ(attention.last_left_pad, left_pad);
    for (std::size_t i = 0; i < batch * seq_len; ++i) {
      // 1e-2: near 600 floats are 6e-5 apart, which SmallMlp multiplies by 100.
      ASSERT_NEAR(Rows(out).Row(i)[0], 424.5 + static_cast<double>(i), 1e-2);
      ASSERT_NEAR(Rows(out).Row(i)[1], 15.5 + static_cast<double>(i), 1e-2);
    }
  }
}

TEST(BlockTest, NormalisesBeforeAttention) {
  const Tensor3 x = {{{4, 6}}};
  RecordingAttention attention;

  Block(x, SmallBlock(), 0.0F, {.attention = attention});

  const Tensor3 expected = {{{-0.75F, 1.5F}}};  // ln_1 of (4, 6)
  EXPECT_TRUE(Near(attention.last_x, expected, kTolerance));
}

TEST(BlockTest, GivesItsEpsilonToBothNorms) {
  // Given x = (-3, 3), of variance 9, and epsilon 27: ln_1 divides by 6 and
  // makes (-0.5, 0.5) + bias. Attention answers (20, 10), so the first sum is
  // (17, 13), of variance 4; with 27 ln_2 divides by sqrt(31).
  const Tensor3 x = {{{-3, 3}}};
  RecordingAttention attention;

  const Tensor3 out = Block(x, SmallBlock(), 27.0F, {.attention = attention});

  const Tensor3 normal = {{{-0.25F, 1.0F}}};
  EXPECT_TRUE(Near(attention.last_x, normal, kTolerance));
  const float r = 2.0F / std::sqrt(31.0F);
  const Tensor3 mlp = Mlp(Tensor3{{{r + 3, -r}}}, SmallMlp());
  const Tensor3 expected = {{{17 + mlp(0, 0, 0), 13 + mlp(0, 0, 1)}}};
  EXPECT_TRUE(Near(out, expected, kTolerance));
}

TEST(BlockTest, CallsAttentionOnce) {
  const Tensor3 x = {{{4, 6}, {1, 2}}, {{2, 0}, {5, 9}}};
  RecordingAttention attention;

  Block(x, SmallBlock(), 0.0F, {.attention = attention, .layer = 7});

  EXPECT_EQ(attention.calls, 1U);
}

TEST(BlockTest, TellsAttentionTheLayerAndThePadding) {
  const Tensor3 x = {{{4, 6}, {1, 2}}, {{2, 0}, {5, 9}}};
  const std::vector<std::size_t> left_pad = {0, 1};
  RecordingAttention attention;

  Block(x, SmallBlock(), 0.0F,
        {.attention = attention, .layer = 7, .left_pad = left_pad});

  EXPECT_EQ(attention.last_layer, 7U);
  EXPECT_EQ(attention.last_left_pad, left_pad);
}

}  // namespace
}  // namespace kvlab
