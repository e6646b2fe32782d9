// Tests the contract of gpt2.h: what a forward pass sees, computes and refuses.
// golden_test.cc compares results on real weights with other implementations.
#include "modules/02_transformer/gpt2.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"
#include "kit/testing/all_pairs.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Three layers of float32 sums of 24 to 96 terms; logits are of size 1 to 10.
constexpr float kTolerance = 1e-4F;

constexpr Gpt2Config kConfig = {.num_layers = 3,
                                .num_heads = 4,
                                .d_model = 24,
                                .d_mlp = 96,
                                .max_positions = 32,
                                .vocab_size = 50};

std::shared_ptr<const Gpt2Weights> SmallWeights(std::uint64_t seed) {
  Random random(seed);
  return std::make_shared<Gpt2Weights>(RandomGpt2Weights(random, kConfig));
}

// An attention that holds `past_len` tokens and contributes nothing; it records
// the layers it was called for.
class SilentAttention final : public Attention {
 public:
  explicit SilentAttention(std::size_t past_len) : past_len_(past_len) {}
  std::size_t PastLen() const override { return past_len_; }
  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& /*weights*/,
                  std::span<const std::size_t> /*left_pad*/) override {
    asked_layers.push_back(layer);
    Tensor3 zeros = Tensor3::from_shape(x.shape());
    zeros.fill(0.0F);
    return zeros;
  }

  std::vector<std::size_t> asked_layers;

 private:
  std::size_t past_len_;
};

// Logits of position t of row b.
Tensor1 LogitsAt(const Tensor3& logits, std::size_t b, std::size_t t) {
  Tensor1 row = Tensor1::from_shape({logits.shape(2)});
  for (std::size_t v = 0; v < row.size(); ++v) row(v) = logits(b, t, v);
  return row;
}

float LargestDifference(const Tensor1& a, const Tensor1& b) {
  float largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a(i) - b(i)));
  }
  return largest;
}

// ---- The slower second method: GPT-2 in loops of doubles ----------------

using Row = std::vector<double>;

Row Times(const Row& x, const WeightMatrix& weight, const Tensor1& bias) {
  Row out(weight.Out(), 0.0);
  for (std::size_t o = 0; o < out.size(); ++o) {
    if (bias.size() > 0) out[o] = bias(o);
    for (std::size_t i = 0; i < x.size(); ++i) {
      out[o] += x[i] * double{weight.At(i, o)};
    }
  }
  return out;
}

Row Normal(const Row& x, const LayerNormWeights& weights, double epsilon) {
  const auto count = static_cast<double>(x.size());
  double mean = 0;
  for (const double feature : x) mean += feature / count;
  double variance = 0;
  for (const double feature : x) {
    variance += (feature - mean) * (feature - mean) / count;
  }
  Row out;
  for (std::size_t d = 0; d < x.size(); ++d) {
    out.push_back((x[d] - mean) / std::sqrt(variance + epsilon) *
                      double{weights.weight(d)} +
                  double{weights.bias(d)});
  }
  return out;
}

void Gelu(Row& values) {
  for (double& x : values) {
    const double inner =
        std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x);
    x *= 0.5 * (1 + std::tanh(inner));
  }
}

void AddTo(Row& x, const Row& y) {
  for (std::size_t d = 0; d < x.size(); ++d) x[d] += y[d];
}

// Queries, keys and values of every token side by side -> attended features of
// the last token.
Row Attended(const std::vector<Row>& qkv, std::size_t heads) {
  const std::size_t d_model = qkv.back().size() / 3;
  const std::size_t head_dim = d_model / heads;
  Row attended(d_model, 0.0);
  for (std::size_t h = 0; h < heads; ++h) {
    const std::size_t first = h * head_dim;
    double sum = 0;
    for (const Row& token : qkv) {
      double score = 0;
      for (std::size_t d = first; d < first + head_dim; ++d) {
        score += qkv.back()[d] * token[d_model + d];
      }
      const double weight =
          std::exp(score / std::sqrt(static_cast<double>(head_dim)));
      sum += weight;
      for (std::size_t d = first; d < first + head_dim; ++d) {
        attended[d] += weight * token[2 * d_model + d];
      }
    }
    for (std::size_t d = first; d < first + head_dim; ++d) attended[d] /= sum;
  }
  return attended;
}

// Logits of one sequence without padding: [seq_len][vocab_size].
std::vector<Row> ExpectedLogits(const Gpt2Weights& weights,
                                std::span<const TokenId> ids) {
  const Gpt2Config& config = weights.config;
  const double epsilon = config.layer_norm_epsilon;
  std::vector<Row> x;
  for (std::size_t t = 0; t < ids.size(); ++t) {
    x.emplace_back();
    for (std::size_t d = 0; d < config.d_model; ++d) {
      x.back().push_back(
          double{weights.wte.At(d, static_cast<std::size_t>(ids[t]))} +
          double{weights.wpe.At(d, t)});
    }
  }
  for (const BlockWeights& block : weights.blocks) {
    std::vector<Row> qkv;
    for (Row& token : x) {
      const LinearWeights& c_attn = block.attn.c_attn;
      qkv.push_back(Times(Normal(token, block.ln_1, epsilon), c_attn.weight,
                          c_attn.bias));
      AddTo(token, Times(Attended(qkv, config.num_heads),
                         block.attn.c_proj.weight, block.attn.c_proj.bias));
      Row hidden = Times(Normal(token, block.ln_2, epsilon),
                         block.mlp.c_fc.weight, block.mlp.c_fc.bias);
      Gelu(hidden);
      AddTo(token,
            Times(hidden, block.mlp.c_proj.weight, block.mlp.c_proj.bias));
    }
  }
  std::vector<Row> logits;
  logits.reserve(x.size());
  for (const Row& token : x) {
    logits.push_back(Times(Normal(token, weights.ln_f, epsilon),
                           weights.lm_head, Tensor1()));
  }
  return logits;
}

// A model with a separate head: the numbers of wte in the opposite order.
WeightMatrix AnotherHead(const WeightMatrix& wte) {
  std::vector<float> values;
  for (std::size_t in = wte.In(); in-- > 0;) {
    for (std::size_t out = wte.Out(); out-- > 0;) {
      values.push_back(wte.At(in, out));
    }
  }
  return WeightMatrix::FromFloats(values, WeightLayout::kInOut, wte.In(),
                                  wte.Out());
}

// One model and its request.
struct Pass {
  std::shared_ptr<const Gpt2Weights> weights;
  std::vector<std::vector<TokenId>> rows;  // without padding
  LogitsFor logits_for = LogitsFor::kAllPositions;
};

// Compares the logits of all tokens, or of the last, with the second method's.
void ExpectRight(Gpt2& model, const Pass& pass, const std::string& about) {
  const TokenBatch tokens = PadLeft(pass.rows, 0);
  const Tensor3 logits = model.Forward(tokens, pass.logits_for);
  const std::size_t seq_len = tokens.ids.shape(1);
  const bool last_only = pass.logits_for == LogitsFor::kLastPosition;
  // Sums of up to 97 terms in up to 13 layers; logits of size 1 to 10. Hundreds
  // of random layers magnify the rounding of the first a thousand times.
  const double tolerance = pass.weights->config.num_layers > 13 ? 5e-2 : 5e-4;
  ASSERT_EQ(logits.shape(1), last_only ? 1U : seq_len) << about;
  for (std::size_t b = 0; b < pass.rows.size(); ++b) {
    const std::vector<Row> right = ExpectedLogits(*pass.weights, pass.rows[b]);
    const std::size_t pad = seq_len - right.size();
    for (std::size_t t = last_only ? right.size() - 1 : 0; t < right.size();
         ++t) {
      for (std::size_t v = 0; v < right[t].size(); ++v) {
        ASSERT_NEAR(logits(b, last_only ? 0 : pad + t, v), right[t][v],
                    tolerance)
            << about << "; row " << b << ", its token " << t << ", entry " << v;
      }
    }
  }
}

// Every choice in a row of this table is combined with every choice in each
// other row:
//
//   rows       1, 2, 5
//   tokens of the longest: 1, 6, 67
//   padding    none, little, all but one token
//   positions  as many as the longest row has tokens, or more
//   head       wte, or a separate one
//   vocabulary as many tokens as features, or another number
//   epsilon    1e-5, 0.1
//   d_mlp      4 * d_model, d_model, 3 * d_model + 1
//   layers     3, 1, 13
//   heads      4, 1, 12
//   logits for all positions, or the last
// Each model runs once more after all others.
TEST(Gpt2Test, CombinesEveryFeatureWithEveryOther) {
  const std::array<std::size_t, 3> batch = {1, 2, 5};
  const std::array<std::size_t, 3> seq_len = {1, 6, 67};
  const std::array<std::size_t, 3> d_mlp = {4 * 24, 24, 3 * 24 + 1};
  const std::array<std::size_t, 3> layers = {3, 1, 13};
  const std::array<std::size_t, 3> heads = {4, 1, 12};
  const std::array<std::size_t, 11> choices = {3, 3, 3, 2, 2, 2, 2, 3, 3, 3, 2};
  std::vector<std::pair<std::unique_ptr<Gpt2>, Pass>> asked;
  std::vector<std::string> about;
  for (const std::vector<std::size_t>& row : AllPairs(choices)) {
    Random random(160 + asked.size());
    const std::size_t longest = seq_len.at(row[1]);
    auto weights = std::make_shared<Gpt2Weights>(RandomGpt2Weights(
        random, {.num_layers = layers.at(row[8]),
                 .num_heads = heads.at(row[9]),
                 .d_model = 24,
                 .d_mlp = d_mlp.at(row[7]),
                 .max_positions = longest + 3 * row[3],
                 .vocab_size = row[5] == 1 ? std::size_t{24} : std::size_t{50},
                 .layer_norm_epsilon = row[6] == 1 ? 0.1F : 1e-5F}));
    if (row[4] == 1) weights->lm_head = AnotherHead(weights->lm_head);
    Pass pass = {.weights = weights,
                 .rows = {},
                 .logits_for = row[10] == 1 ? LogitsFor::kLastPosition
                                            : LogitsFor::kAllPositions};
    for (std::size_t b = 0; b < batch.at(row[0]); ++b) {
      const std::size_t little = std::min(b, longest - 1);
      const std::size_t pad =
          row[2] == 0 || b == 0 ? 0 : (row[2] == 1 ? little : longest - 1);
      pass.rows.push_back(
          RandomTokens(random, longest - pad, weights->config.vocab_size));
    }
    about.push_back("choices " + ::testing::PrintToString(row));
    asked.emplace_back(std::make_unique<Gpt2>(weights), std::move(pass));
    ExpectRight(*asked.back().first, asked.back().second, about.back());
  }
  for (std::size_t i = 0; i < asked.size(); ++i) {
    ExpectRight(*asked[i].first, asked[i].second, about[i] + ", once more");
  }
}

// The padding of a row and the tokens before a call change the positions of the
// last tokens: all combinations, up to the model's last position.
TEST(Gpt2Test, CountsPositionsOfAPaddedRowOnFromWhatAttentionHolds) {
  for (const std::size_t past_len : {1, 5, 300}) {
    for (const std::size_t new_len : {1, 3}) {
      Gpt2Config config = kConfig;
      config.num_layers = 1;
      config.max_positions = past_len + new_len;
      Random random(170);
      const auto weights =
          std::make_shared<Gpt2Weights>(RandomGpt2Weights(random, config));
      Gpt2 continued(weights);
      continued.ReplaceAttention(std::make_unique<SilentAttention>(past_len));
      Gpt2 fresh(weights);
      fresh.ReplaceAttention(std::make_unique<SilentAttention>(0));
      const std::size_t total_len = past_len + new_len;
      std::vector<std::vector<TokenId>> rows;
      for (const std::size_t pad : {std::size_t{0}, std::size_t{1}, past_len}) {
        rows.push_back(
            RandomTokens(random, total_len - pad, config.vocab_size));
      }
      const TokenBatch whole = PadLeft(rows, 0);
      TokenBatch tail = {.ids = Tokens::from_shape({rows.size(), new_len}),
                         .left_pad = whole.left_pad};
      for (std::size_t b = 0; b < rows.size(); ++b) {
        for (std::size_t t = 0; t < new_len; ++t) {
          tail.ids(b, t) = whole.ids(b, past_len + t);
        }
      }

      const Tensor3 last = continued.Forward(tail, LogitsFor::kAllPositions);
      const Tensor3 all = fresh.Forward(whole, LogitsFor::kAllPositions);

      for (std::size_t b = 0; b < rows.size(); ++b) {
        for (std::size_t t = 0; t < new_len; ++t) {
          EXPECT_TRUE(Near(LogitsAt(last, b, t), LogitsAt(all, b, past_len + t),
                           kTolerance))
              << "past_len " << past_len << ", row " << b << ", token " << t;
        }
      }
    }
  }
}

// One size at a time exceeds 8 bits; the others stay small.
TEST(Gpt2Test, TakesHundredsOfRowsLayersHeadsAndTokens) {
  const Gpt2Config small = {.num_layers = 2,
                            .num_heads = 2,
                            .d_model = 4,
                            .d_mlp = 5,
                            .max_positions = 9,
                            .vocab_size = 11};
  struct Case {
    const char* what;
    std::size_t Gpt2Config::*size;
  };
  for (const std::size_t size : {10, 66, 300}) {
    for (const Case& one : std::vector<Case>{
             {"rows", nullptr},
             {"layers", &Gpt2Config::num_layers},
             {"features, a head for each", &Gpt2Config::d_model},
             {"features between the products", &Gpt2Config::d_mlp},
             {"tokens in the vocabulary", &Gpt2Config::vocab_size}}) {
      Gpt2Config config = small;
      if (one.size != nullptr) config.*one.size = size;
      if (one.size == &Gpt2Config::d_model) config.num_heads = size;
      Random random(175 + size);
      auto weights =
          std::make_shared<Gpt2Weights>(RandomGpt2Weights(random, config));
      weights->lm_head = AnotherHead(weights->lm_head);
      Gpt2 model(weights);
      for (const LogitsFor logits_for :
           {LogitsFor::kAllPositions, LogitsFor::kLastPosition}) {
        Pass pass = {.weights = weights, .rows = {}, .logits_for = logits_for};
        const bool layers = one.size == &Gpt2Config::num_layers;
        const std::size_t rows = one.size == nullptr ? size : layers ? 3 : 10;
        for (std::size_t b = 0; b < rows; ++b) {
          pass.rows.push_back(
              RandomTokens(random, 6 - b % 3, config.vocab_size));
        }
        ExpectRight(model, pass, std::to_string(size) + " " + one.what);
      }
    }
  }
}

TEST(Gpt2Test, UsesAThousandPositions) {
  Gpt2Config config = kConfig;
  config.num_layers = 1;
  config.max_positions = 1030;
  Random random(171);
  const auto weights =
      std::make_shared<Gpt2Weights>(RandomGpt2Weights(random, config));
  Gpt2 model(weights);
  const std::vector<TokenId> row =
      RandomTokens(random, 1030, config.vocab_size);
  const Pass pass = {.weights = weights,
                     .rows = {row},
                     .logits_for = LogitsFor::kLastPosition};
  ExpectRight(model, pass, "1030 tokens");
  // An empty left_pad is that of a row without padding.
  const TokenBatch tokens = SingleRow(row);
  const TokenBatch bare = {tokens.ids, {}};
  EXPECT_EQ(model.Forward(bare, pass.logits_for),
            model.Forward(tokens, pass.logits_for));
  // Padding that does not fit in a byte, before different rows
  ExpectRight(model,
              {.weights = weights,
               .rows = {RandomTokens(random, 400, config.vocab_size),
                        RandomTokens(random, 3, config.vocab_size),
                        RandomTokens(random, 100, config.vocab_size)}},
              "397 columns of padding");
}

// Positions are counted in every row of many.
TEST(Gpt2Test, CountsHundredsOfPositionsInHundredsOfRows) {
  Random random(172);
  const auto weights = std::make_shared<const Gpt2Weights>(
      RandomGpt2Weights(random, {.num_layers = 1,
                                 .num_heads = 1,
                                 .d_model = 2,
                                 .d_mlp = 2,
                                 .max_positions = 270,
                                 .vocab_size = 5}));
  Gpt2 model(weights);
  Pass pass = {
      .weights = weights, .rows = {}, .logits_for = LogitsFor::kLastPosition};
  for (std::size_t b = 0; b < 270; ++b) {
    pass.rows.push_back(RandomTokens(random, 270 - b % 3, 5));
  }
  ExpectRight(model, pass, "270 rows of 270 tokens");
}

TEST(Gpt2Test, AnswersRightlyAfterItRefused) {
  const auto weights = SmallWeights(54);
  Gpt2 model(weights);
  const Pass pass = {.weights = weights, .rows = {{1, 2, 3}, {4}}};

  EXPECT_THROW(model.Forward(SingleRow({1, 50}), LogitsFor::kLastPosition),
               ContractError);
  ExpectRight(model, pass, "after a refusal");
}

TEST(Gpt2Test, GivesOneLogitPerTokenOfTheVocabularyAndPosition) {
  Gpt2 model(SmallWeights(41));

  const Tensor3 logits = model.Forward(PadLeft({{1, 2, 3}, {4, 5, 6}}, 0),
                                       LogitsFor::kAllPositions);

  EXPECT_EQ(logits.shape(0), 2U);
  EXPECT_EQ(logits.shape(1), 3U);
  EXPECT_EQ(logits.shape(2), kConfig.vocab_size);
}

TEST(Gpt2Test, LastPositionIsTheLastRowOfAllPositions) {
  Gpt2 model(SmallWeights(42));
  const TokenBatch tokens = PadLeft({{1, 2, 3}, {4, 5, 6}}, 0);

  const Tensor3 all = model.Forward(tokens, LogitsFor::kAllPositions);
  const Tensor3 last = model.Forward(tokens, LogitsFor::kLastPosition);

  ASSERT_EQ(last.shape(1), 1U);
  for (std::size_t b = 0; b < 2; ++b) {
    EXPECT_TRUE(Near(LogitsAt(last, b, 0), LogitsAt(all, b, 2), kTolerance));
  }
}

TEST(Gpt2Test, LastPositionSavesTheHeadOfAllOthers) {
  Gpt2 model(SmallWeights(42));
  const TokenBatch tokens = PadLeft({{1, 2, 3, 4, 5}, {4, 5, 6, 7, 8}}, 0);

  const WorkCounts before = CountedWork();
  model.Forward(tokens, LogitsFor::kLastPosition);
  const WorkCounts work = CountedWork() - before;

  EXPECT_EQ(work[Work::kHead], 2U * 24 * 50);
}

TEST(Gpt2Test, CountsTheWorkOfEveryLayer) {
  Gpt2 model(SmallWeights(43));

  const WorkCounts before = CountedWork();
  model.Forward(SingleRow({1, 2, 3, 4, 5}), LogitsFor::kAllPositions);
  const WorkCounts work = CountedWork() - before;

  // Per token and layer: 3 d^2, d^2 and 8 d^2, in all 24 d^2 FLOPs.
  EXPECT_EQ(work[Work::kQkv], 3U * 5 * 3 * 24 * 24);
  EXPECT_EQ(work[Work::kProjection], 3U * 5 * 24 * 24);
  EXPECT_EQ(work[Work::kMlp], 3U * 5 * 8 * 24 * 24);
  EXPECT_EQ(work[Work::kHead], 5U * 24 * 50);
}

// Through every layer of many goes every row of many.
TEST(Gpt2Test, CountsTheWorkOfHundredsOfLayersAndRows) {
  constexpr std::size_t kMany = 260;
  Random random(431);
  Gpt2 model(std::make_shared<const Gpt2Weights>(
      RandomGpt2Weights(random, {.num_layers = kMany,
                                 .num_heads = 1,
                                 .d_model = 3,
                                 .d_mlp = 5,
                                 .max_positions = 2,
                                 .vocab_size = 7})));
  std::vector<std::vector<TokenId>> prompts;
  for (std::size_t b = 0; b < kMany; ++b) {
    prompts.push_back(RandomTokens(random, 1 + b % 2, 7));
  }
  const WorkCounts before = CountedWork();
  model.Forward(PadLeft(prompts, 0), LogitsFor::kLastPosition);
  const WorkCounts work = CountedWork() - before;

  constexpr std::uint64_t kTokens = kMany * kMany * 2;
  EXPECT_EQ(work[Work::kQkv], kTokens * 3 * 3 * 3);
  EXPECT_EQ(work[Work::kProjection], kTokens * 3 * 3);
  EXPECT_EQ(work[Work::kMlp], kTokens * 2 * 3 * 5);
  EXPECT_EQ(work[Work::kHead], kMany * 3 * 7);
}

TEST(Gpt2Test, DoesNotLetLaterTokensChangeEarlierLogits) {
  Gpt2 model(SmallWeights(44));

  const Tensor3 before =
      model.Forward(SingleRow({1, 2, 3, 4}), LogitsFor::kAllPositions);
  const Tensor3 after =
      model.Forward(SingleRow({1, 2, 3, 49}), LogitsFor::kAllPositions);

  for (std::size_t t = 0; t < 3; ++t) {
    EXPECT_TRUE(Near(LogitsAt(after, 0, t), LogitsAt(before, 0, t), kTolerance))
        << "position " << t;
  }
  EXPECT_GT(LargestDifference(LogitsAt(after, 0, 3), LogitsAt(before, 0, 3)),
            0.1F);
}

TEST(Gpt2Test, KnowsPositions) {
  // The same token at every position: without positions, attention would be
  // the mean of equal values, and all logits the same.
  Gpt2 model(SmallWeights(45));

  const Tensor3 logits =
      model.Forward(SingleRow({7, 7, 7}), LogitsFor::kAllPositions);

  EXPECT_GT(LargestDifference(LogitsAt(logits, 0, 0), LogitsAt(logits, 0, 1)),
            0.1F);
  EXPECT_GT(LargestDifference(LogitsAt(logits, 0, 1), LogitsAt(logits, 0, 2)),
            0.1F);
}

TEST(Gpt2Test, CountsPositionsOnFromWhatAttentionHolds) {
  // Given two models whose attention adds nothing, so that only the embedding
  // matters: one already holds 5 tokens, the other none.
  Gpt2 continued(SmallWeights(46));
  continued.ReplaceAttention(std::make_unique<SilentAttention>(5));
  Gpt2 fresh(SmallWeights(46));
  fresh.ReplaceAttention(std::make_unique<SilentAttention>(0));

  const Tensor3 last =
      continued.Forward(SingleRow({9, 3}), LogitsFor::kAllPositions);
  const Tensor3 all =
      fresh.Forward(SingleRow({0, 1, 2, 3, 4, 9, 3}), LogitsFor::kAllPositions);

  EXPECT_TRUE(Near(LogitsAt(last, 0, 0), LogitsAt(all, 0, 5), kTolerance));
  EXPECT_TRUE(Near(LogitsAt(last, 0, 1), LogitsAt(all, 0, 6), kTolerance));
}

TEST(Gpt2Test, GivesAPaddedRowTheLogitsItHasAlone) {
  // Given three prompts of different lengths in one batch
  Gpt2 model(SmallWeights(47));
  const std::vector<std::vector<TokenId>> prompts = {
      {1, 2, 3, 4, 5, 6}, {7, 8, 9}, {10}};

  const Tensor3 together =
      model.Forward(PadLeft(prompts, 0), LogitsFor::kLastPosition);

  for (std::size_t b = 0; b < prompts.size(); ++b) {
    const Tensor3 alone =
        model.Forward(SingleRow(prompts[b]), LogitsFor::kLastPosition);
    EXPECT_TRUE(
        Near(LogitsAt(together, b, 0), LogitsAt(alone, 0, 0), kTolerance))
        << "row " << b;
  }
}

TEST(Gpt2Test, DoesNotCareWhatThePaddingIs) {
  Gpt2 model(SmallWeights(48));
  const std::vector<std::vector<TokenId>> prompts = {{1, 2, 3, 4}, {7, 8}};

  EXPECT_TRUE(
      Near(model.Forward(PadLeft(prompts, 0), LogitsFor::kLastPosition),
           model.Forward(PadLeft(prompts, 33), LogitsFor::kLastPosition),
           kTolerance));
}

TEST(Gpt2Test, UsesEveryLayersOwnWeights) {
  const auto weights = SmallWeights(49);
  const auto others = SmallWeights(149);
  const TokenBatch tokens = SingleRow({1, 2, 3});
  Gpt2 model(weights);
  const Tensor3 logits = model.Forward(tokens, LogitsFor::kLastPosition);

  // Other weights in any one layer give other logits.
  for (std::size_t layer = 0; layer < kConfig.num_layers; ++layer) {
    auto changed = std::make_shared<Gpt2Weights>(*weights);
    changed->blocks[layer] = others->blocks[layer];
    Gpt2 other(changed);
    const Tensor3 other_logits =
        other.Forward(tokens, LogitsFor::kLastPosition);
    EXPECT_GT(
        LargestDifference(LogitsAt(logits, 0, 0), LogitsAt(other_logits, 0, 0)),
        0.1F)
        << "layer " << layer;
  }
}

TEST(Gpt2Test, TellsAttentionEveryLayersNumber) {
  Gpt2 model(SmallWeights(49));
  auto silent = std::make_unique<SilentAttention>(0);
  const SilentAttention& attention = *silent;
  model.ReplaceAttention(std::move(silent));

  model.Forward(SingleRow({1, 2, 3}), LogitsFor::kLastPosition);

  EXPECT_THAT(attention.asked_layers, ElementsAre(0U, 1U, 2U));
}

TEST(Gpt2Test, ReplaceAttentionReturnsWhatWasThere) {
  Gpt2 model(SmallWeights(50));
  const Attention* first = &model.CurrentAttention();
  auto silent = std::make_unique<SilentAttention>(0);
  const Attention* second = silent.get();

  const std::unique_ptr<Attention> before =
      model.ReplaceAttention(std::move(silent));

  EXPECT_EQ(before.get(), first);
  EXPECT_EQ(&model.CurrentAttention(), second);
  EXPECT_EQ(model.Forward(SingleRow({1}), LogitsFor::kLastPosition).shape(1),
            1U);
  EXPECT_THROW(model.ReplaceAttention(nullptr), ContractError);
}

TEST(Gpt2Test, RefusesTokensOutsideTheVocabulary) {
  Gpt2 model(SmallWeights(51));
  EXPECT_EQ(
      model.Forward(SingleRow({0, 49}), LogitsFor::kLastPosition).shape(1), 1U);

  EXPECT_THAT(MessageOf<ContractError>([&] {
                model.Forward(SingleRow({1, 50}), LogitsFor::kLastPosition);
              }),
              HasSubstr("token id 50"));
  EXPECT_THROW(model.Forward(SingleRow({-1}), LogitsFor::kLastPosition),
               ContractError);
}

TEST(Gpt2Test, RefusesMoreTokensThanPositions) {
  Gpt2 model(SmallWeights(52));
  const std::vector<TokenId> full(32, 1);
  const std::vector<TokenId> one_more(33, 1);

  EXPECT_EQ(model.Forward(SingleRow(full), LogitsFor::kLastPosition).shape(1),
            1U);
  EXPECT_THAT(MessageOf<ContractError>([&] {
                model.Forward(SingleRow(one_more), LogitsFor::kLastPosition);
              }),
              HasSubstr("past_len 0 + new_len 33 exceeds max_positions 32"));

  model.ReplaceAttention(std::make_unique<SilentAttention>(32));
  EXPECT_THROW(model.Forward(SingleRow({1}), LogitsFor::kLastPosition),
               ContractError);
}

TEST(Gpt2Test, RefusesNoTokensAndPaddingOfAnotherLength) {
  Gpt2 model(SmallWeights(53));
  const TokenBatch none = {.ids = Tokens::from_shape({1, 0}), .left_pad = {}};
  TokenBatch two_pads = SingleRow({1, 2});
  two_pads.left_pad = {0, 0};
  EXPECT_EQ(model.Forward(SingleRow({1}), LogitsFor::kLastPosition).shape(1),
            1U);

  EXPECT_THROW(model.Forward(none, LogitsFor::kLastPosition), ContractError);
  EXPECT_THROW(model.Forward(two_pads, LogitsFor::kLastPosition),
               ContractError);
  EXPECT_THROW(Gpt2(nullptr), ContractError);
}

}  // namespace
}  // namespace kvlab
