// Real models, computed by other programs: a trained sorter whose activations
// were published layer by layer, and logits that PyTorch computes from our
// checkpoints. Each test feeds the published input of a step to the step under
// test, so the first red one names the layer that went wrong.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/model/checkpoint.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/golden_logits.h"
#include "kit/testing/nano_sort.h"
#include "kit/testing/testing.h"
#include "modules/01_attention/attention.h"
#include "modules/02_transformer/attention_seam.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/02_transformer/layers.h"

namespace kvlab {
namespace {

// float32 sums of up to 192 terms, in another order than the publisher's.
constexpr float kNanoSortTolerance = 1e-5F;

class NanoSortTest : public ::testing::Test {
 protected:
  Tensor3 Get3(const std::string& name) const {
    return activations_.Get3(name);
  }
  Tensor4 Get4(const std::string& name) const {
    return activations_.Get4(name);
  }
  const BlockWeights& Block0() const { return weights_->blocks[0]; }
  std::size_t Heads() const { return weights_->config.num_heads; }
  float Epsilon() const { return weights_->config.layer_norm_epsilon; }

  std::shared_ptr<const Gpt2Weights> weights_ =
      std::make_shared<const Gpt2Weights>(LoadNanoSort());
  NanoSortActivations activations_ = NanoSortActivations::Load();
};

TEST_F(NanoSortTest, FirstLayerNorm) {
  EXPECT_TRUE(Near(LayerNorm(Get3("x"), Block0().ln_1, Epsilon()), Get3("ln1"),
                   kNanoSortTolerance));
}

TEST_F(NanoSortTest, QueriesKeysAndValues) {
  const Qkv qkv = ProjectQkv(Get3("ln1"), Block0().attn, Heads());
  EXPECT_TRUE(Near(qkv.queries, Get4("q"), kNanoSortTolerance));
  EXPECT_TRUE(Near(qkv.keys, Get4("k"), kNanoSortTolerance));
  EXPECT_TRUE(Near(qkv.values, Get4("v"), kNanoSortTolerance));
}

// The published scores are masked already: -infinity above the diagonal.
TEST_F(NanoSortTest, SoftmaxOfMaskedScores) {
  Tensor4 probs = Get4("att");
  for (std::size_t b = 0; b < probs.shape(0); ++b) {
    for (std::size_t h = 0; h < probs.shape(1); ++h) {
      SoftmaxRows(HeadMatrix(probs, b, h));
    }
  }
  EXPECT_TRUE(Near(probs, Get4("attSm"), kNanoSortTolerance));
}

TEST_F(NanoSortTest, CausalAttention) {
  const Tensor4 keys = Get4("k");
  const Tensor4 values = Get4("v");
  const Tensor4 attended =
      kvlab::CausalAttention(Get4("q"), View(keys), View(values), {});
  EXPECT_TRUE(Near(MergeHeads(attended), Get3("y"), kNanoSortTolerance));
}

TEST_F(NanoSortTest, OutputProjection) {
  const Tensor4 attended = SplitHeads(Get3("y"), Heads());
  EXPECT_TRUE(Near(ProjectOutput(attended, Block0().attn), Get3("yProj"),
                   kNanoSortTolerance));
}

TEST_F(NanoSortTest, MultiHeadAttention) {
  EXPECT_TRUE(
      Near(kvlab::MultiHeadAttention(Get3("ln1"), Block0().attn, Heads(), {}),
           Get3("yProj"), kNanoSortTolerance));
}

TEST_F(NanoSortTest, SecondLayerNorm) {
  EXPECT_TRUE(Near(LayerNorm(Get3("attnResid"), Block0().ln_2, Epsilon()),
                   Get3("ln2"), kNanoSortTolerance));
}

TEST_F(NanoSortTest, Gelu) {
  Tensor3 hidden = Get3("fc");
  GeluInPlace({hidden.data(), hidden.size()});
  EXPECT_TRUE(Near(hidden, Get3("gelu"), kNanoSortTolerance));
}

TEST_F(NanoSortTest, Mlp) {
  EXPECT_TRUE(Near(kvlab::Mlp(Get3("ln2"), Block0().mlp), Get3("mlp"),
                   kNanoSortTolerance));
}

TEST_F(NanoSortTest, EachBlock) {
  const std::vector<std::string> states = {"x", "block0", "block1", "block2"};
  FullAttention attention(Heads());
  for (std::size_t layer = 0; layer < 3; ++layer) {
    EXPECT_TRUE(Near(Block(Get3(states[layer]), weights_->blocks[layer],
                           Epsilon(), {.attention = attention, .layer = layer}),
                     Get3(states[layer + 1]), kNanoSortTolerance))
        << "block " << layer;
  }
}

TEST_F(NanoSortTest, FinalLayerNorm) {
  EXPECT_TRUE(Near(LayerNorm(Get3("block2"), weights_->ln_f, Epsilon()),
                   Get3("ln_f"), kNanoSortTolerance));
}

// From token ids to logits, through all layers.
TEST_F(NanoSortTest, Logits) {
  Gpt2 model(weights_);
  const Tensor3 logits = model.Forward(
      {.ids = activations_.Idx(), .left_pad = {}}, LogitsFor::kAllPositions);
  EXPECT_TRUE(Near(logits, Get3("lm_head"), kNanoSortTolerance));
}

// `rows`, each with its greedy next token appended.
void AppendGreedy(Gpt2& model, std::vector<std::vector<TokenId>>& rows) {
  const Tensor3 logits =
      model.Forward(PadLeft(rows, 0), LogitsFor::kLastPosition);
  for (std::size_t b = 0; b < rows.size(); ++b) {
    rows[b].push_back(Greedy({&logits(b, 0, 0), logits.shape(2)}));
  }
}

// The model's task: after six letters of three it writes the same six in order.
// The twelfth letter does not fit in its context of 11, but it is never fed
// back.
TEST_F(NanoSortTest, SortsAllInputsOfSixLetters) {
  std::vector<std::vector<TokenId>> rows;
  for (int input = 0; input < 729; ++input) {
    std::vector<TokenId>& row = rows.emplace_back();
    for (int digits = input; row.size() < 6; digits /= 3) {
      row.push_back(digits % 3);
    }
  }
  Gpt2 model(weights_);
  for (int step = 0; step < 6; ++step) AppendGreedy(model, rows);
  for (const std::vector<TokenId>& row : rows) {
    std::vector<TokenId> expected(row.begin(), row.begin() + 6);
    std::ranges::sort(expected);
    EXPECT_EQ(std::vector<TokenId>(row.begin() + 6, row.end()), expected)
        << ::testing::PrintToString(row);
  }
}

// Our checkpoints against PyTorch.
struct GoldenModel {
  std::string name;
  std::string folder;
  // The logits of shakespeare-gpt2 reach 13, after four layers of float32 sums
  // of up to 1,024 terms; those of tiny-gpt2-random reach 0.08, after one layer
  // of sums of up to 8.
  float tolerance;
};

[[maybe_unused]] void PrintTo(const GoldenModel& golden_model,
                              std::ostream* out) {
  *out << golden_model.name;
}

class GoldenLogitsTest : public ::testing::TestWithParam<GoldenModel> {
 protected:
  static bool FillsContext(const GoldenPrompt& prompt) {
    return prompt.greedy.empty();
  }

  // logits [B, T, vocab] of row b, whose prompt starts at column left_pad, at
  // the positions that were kept.
  static void ExpectGolden(const Tensor3& logits, std::size_t b,
                           std::size_t left_pad, const GoldenPrompt& prompt) {
    Tensor2 kept = Tensor2::from_shape(prompt.logits.shape());
    for (std::size_t i = 0; i < prompt.positions.size(); ++i) {
      for (std::size_t id = 0; id < kept.shape(1); ++id) {
        kept(i, id) = logits(b, left_pad + prompt.positions[i], id);
      }
    }
    EXPECT_TRUE(Near(kept, prompt.logits, GetParam().tolerance))
        << "prompt: " << prompt.text.substr(0, 80);
  }

  Gpt2 model_{std::make_shared<const Gpt2Weights>(
      LoadGpt2(TestData(GetParam().folder)))};
  std::vector<GoldenPrompt> prompts_ = LoadGoldenLogits(GetParam().name);
};

TEST_P(GoldenLogitsTest, EachPromptAlone) {
  ASSERT_GE(prompts_.size(), 3U);
  for (const GoldenPrompt& prompt : prompts_) {
    const Tensor3 logits =
        model_.Forward(SingleRow(prompt.tokens), LogitsFor::kAllPositions);
    ExpectGolden(logits, 0, 0, prompt);
  }
}

// Rows of different lengths, padded on the left: padding changes nothing.
TEST_P(GoldenLogitsTest, ShortPromptsInOneBatch) {
  std::vector<GoldenPrompt> prompts;
  std::vector<std::vector<TokenId>> rows;
  for (const GoldenPrompt& prompt : prompts_) {
    if (FillsContext(prompt)) continue;
    prompts.push_back(prompt);
    rows.push_back(prompt.tokens);
  }
  const TokenBatch batch = PadLeft(rows, 0);
  const Tensor3 logits = model_.Forward(batch, LogitsFor::kAllPositions);
  for (std::size_t b = 0; b < prompts.size(); ++b) {
    ExpectGolden(logits, b, batch.left_pad[b], prompts[b]);
  }
}

// Token for token, up to the first near tie.
TEST_P(GoldenLogitsTest, GreedyContinuation) {
  for (const GoldenPrompt& prompt : prompts_) {
    if (FillsContext(prompt)) continue;
    const Tokens tokens = Generate(model_, SingleRow(prompt.tokens),
                                   {.new_tokens = prompt.greedy.size()});
    for (std::size_t i = 0; i < prompt.greedy.size(); ++i) {
      // 4: each of two logits of size 1 may be off by its absolute and its
      // relative tolerance
      if (prompt.margins[i] < 4 * GetParam().tolerance) break;
      ASSERT_EQ(tokens(0, i), prompt.greedy[i])
          << "new token " << i << " of: " << prompt.text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Checkpoints, GoldenLogitsTest,
    ::testing::Values(GoldenModel{"shakespeare-gpt2", "models/shakespeare-gpt2",
                                  1e-4F},
                      GoldenModel{"tiny-gpt2-random",
                                  "kit/testdata/tiny-gpt2-random", 1e-6F}),
    [](const auto& test) {
      return test.param.name == "shakespeare-gpt2" ? "Shakespeare" : "Tiny";
    });

}  // namespace
}  // namespace kvlab
