// Keeps the promises of cost.h, task by task. What the formulas say is held
// against what the kit counts while modules 1 to 3 really run: not "about as
// many", but every one.
#include "modules/04_profiling/cost.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <vector>

#include "gtest/gtest.h"
#include "kit/caching.h"
#include "kit/copy.h"
#include "kit/error.h"
#include "kit/gpt2_weights.h"
#include "kit/random.h"
#include "kit/token_batch.h"
#include "kit/work.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab {

// For GoogleTest's messages.
void PrintTo(const ForwardPass& pass, std::ostream* out) {
  *out << "{batch " << pass.batch << ", past_len " << pass.past_len
       << ", new_len " << pass.new_len << ", caching "
       << (pass.caching == Caching::kOn ? "on" : "off") << "}";
}
void PrintTo(const WorkCounts& work, std::ostream* out) {
  for (std::size_t i = 0; i < kWorkCategories; ++i) {
    *out << WorkName(static_cast<Work>(i)) << " " << work.macs[i] << " ";
  }
}
void PrintTo(const Traffic& traffic, std::ostream* out) {
  *out << "weights " << traffic.weights << " cache_read " << traffic.cache_read
       << " cache_written " << traffic.cache_written;
}

namespace {

// In every shape all sizes differ; in the second d_mlp is not 4 d_model.
const std::vector<Gpt2Config>& Shapes() {
  static const std::vector<Gpt2Config> shapes = {
      {.num_layers = 3,
       .num_heads = 4,
       .d_model = 24,
       .d_mlp = 96,
       .max_positions = 40,
       .vocab_size = 51},
      {.num_layers = 2,
       .num_heads = 3,
       .d_model = 15,
       .d_mlp = 37,
       .max_positions = 33,
       .vocab_size = 70},
      {.num_layers = 5,
       .num_heads = 1,
       .d_model = 8,
       .d_mlp = 32,
       .max_positions = 36,
       .vocab_size = 19},
  };
  return shapes;
}

constexpr Gpt2Config kGpt2 = {.num_layers = 12,
                              .num_heads = 12,
                              .d_model = 768,
                              .d_mlp = 3072,
                              .max_positions = 1024,
                              .vocab_size = 50257};

std::shared_ptr<const Gpt2Weights> WeightsOf(const Gpt2Config& config) {
  Random random(41);
  return std::make_shared<const Gpt2Weights>(RandomGpt2Weights(random, config));
}

// `batch` rows of different tokens; row b begins with b columns of padding,
// which is computed like all else.
TokenBatch RandomRows(const Gpt2Config& config, std::size_t batch,
                      std::size_t seq_len) {
  Random random(42);
  TokenBatch rows = {Tokens::from_shape({batch, seq_len}), {}};
  for (std::size_t b = 0; b < batch; ++b) {
    rows.left_pad.push_back(b < seq_len ? b : 0);
    for (std::size_t t = 0; t < seq_len; ++t) {
      rows.ids(b, t) =
          static_cast<TokenId>(random.NextBelow(config.vocab_size));
    }
  }
  return rows;
}

WorkCounts WorkOf(const std::function<void()>& action) {
  const WorkCounts before = CountedWork();
  action();
  return CountedWork() - before;
}

std::uint64_t BytesCopiedBy(const std::function<void()>& action) {
  const std::uint64_t before = CopiedBytes();
  action();
  return CopiedBytes() - before;
}

// ---- Task 4.3 ----------------------------------------------------------

TEST(PassesOfTest, WithoutACacheEachComputesEverythingSoFar) {
  const std::vector<ForwardPass> expected = {
      {.batch = 3, .past_len = 0, .new_len = 5, .caching = Caching::kOff},
      {.batch = 3, .past_len = 0, .new_len = 6, .caching = Caching::kOff},
      {.batch = 3, .past_len = 0, .new_len = 7, .caching = Caching::kOff},
      {.batch = 3, .past_len = 0, .new_len = 8, .caching = Caching::kOff}};
  EXPECT_EQ(
      PassesOf({.batch = 3, .prompt_len = 5, .new_tokens = 4}, Caching::kOff),
      expected);
}

TEST(PassesOfTest, WithACacheThePromptThenOneTokenEach) {
  const std::vector<ForwardPass> expected = {
      {.batch = 3, .past_len = 0, .new_len = 5, .caching = Caching::kOn},
      {.batch = 3, .past_len = 5, .new_len = 1, .caching = Caching::kOn},
      {.batch = 3, .past_len = 6, .new_len = 1, .caching = Caching::kOn},
      {.batch = 3, .past_len = 7, .new_len = 1, .caching = Caching::kOn}};
  EXPECT_EQ(
      PassesOf({.batch = 3, .prompt_len = 5, .new_tokens = 4}, Caching::kOn),
      expected);
}

TEST(PassesOfTest, AreNoneForNoTokensAndNeedAPrompt) {
  EXPECT_TRUE(PassesOf({.prompt_len = 5}, Caching::kOn).empty());
  EXPECT_TRUE(PassesOf({.prompt_len = 5}, Caching::kOff).empty());
  EXPECT_THROW(PassesOf({.new_tokens = 3}, Caching::kOn), ContractError);
}

// ---- Task 4.4 ----------------------------------------------------------

TEST(PassWorkTest, IsWhatAFullPassCounts) {
  for (const Gpt2Config& config : Shapes()) {
    Gpt2 model(WeightsOf(config));
    for (const std::size_t batch : {1, 3}) {
      for (const std::size_t seq_len : {1, 2, 17}) {
        const TokenBatch rows = RandomRows(config, batch, seq_len);
        const WorkCounts counted =
            WorkOf([&] { model.Forward(rows, LogitsFor::kLastPosition); });
        EXPECT_EQ(PassWork(config, {.batch = batch, .new_len = seq_len}),
                  counted)
            << config.num_layers << " layers, batch " << batch << ", "
            << seq_len << " tokens";
      }
    }
  }
}

TEST(PassWorkTest, IsWhatPrefillChunkAndStepCountWithACache) {
  for (const Gpt2Config& config : Shapes()) {
    for (const std::size_t batch : {1, 3}) {
      Gpt2 model(WeightsOf(config));
      const KvCacheHandle handle = EnableKvCache(model, batch, 30);
      for (const std::size_t new_len : {7, 1, 4, 1, 1, 16}) {
        const std::size_t past_len = handle.Cache().PastLen();
        const TokenBatch rows = RandomRows(config, batch, new_len);
        const WorkCounts counted =
            WorkOf([&] { model.Forward(rows, LogitsFor::kLastPosition); });
        EXPECT_EQ(PassWork(config, {.batch = batch,
                                    .past_len = past_len,
                                    .new_len = new_len,
                                    .caching = Caching::kOn}),
                  counted)
            << config.num_layers << " layers, batch " << batch << ", "
            << new_len << " tokens behind " << past_len;
      }
    }
  }
}

// 24 d^2 + 4 t d FLOP per layer and 2 d V for the head (Kaplan et al. 2020,
// arXiv:2001.08361, table 1; here every category for itself, in MACs).
TEST(PassWorkTest, OfAStepOfGpt2IsTheTextbooks) {
  const WorkCounts work =
      PassWork(kGpt2, {.past_len = 999, .new_len = 1, .caching = Caching::kOn});
  EXPECT_EQ(work[Work::kQkv], 12U * 3 * 768 * 768);
  EXPECT_EQ(work[Work::kAttention], 12U * 2 * 1000 * 768);
  EXPECT_EQ(work[Work::kProjection], 12U * 768 * 768);
  EXPECT_EQ(work[Work::kMlp], 12U * 8 * 768 * 768);
  EXPECT_EQ(work[Work::kHead], 768U * 50257);
}

TEST(PassWorkTest, RefusesAPastThatNobodyKept) {
  ForwardPass step = {.past_len = 1, .new_len = 1, .caching = Caching::kOn};
  EXPECT_NO_THROW(PassWork(kGpt2, step));
  step.caching = Caching::kOff;
  EXPECT_THROW(PassWork(kGpt2, step), ContractError);
}

TEST(PassWorkTest, RefusesWhat64BitsCannotHold) {
  const Gpt2Config small = {.num_layers = 1,
                            .num_heads = 1,
                            .d_model = 1,
                            .d_mlp = 1,
                            .max_positions = 1,
                            .vocab_size = 1};
  // 2 S^2 MACs of attention: 2^63, then 2^65.
  EXPECT_EQ(
      PassWork(small, {.new_len = std::size_t{1} << 31U})[Work::kAttention],
      std::uint64_t{1} << 63U);
  EXPECT_THROW(PassWork(small, {.new_len = std::size_t{1} << 32U}),
               ContractError);
}

TEST(GenerationWorkTest, IsWhatBothWaysOfGeneratingCount) {
  for (const Gpt2Config& config : Shapes()) {
    Gpt2 model(WeightsOf(config));
    for (const std::size_t batch : {1, 3}) {
      for (const std::size_t new_tokens : {0, 1, 13}) {
        const GenerationShape shape = {
            .batch = batch, .prompt_len = 9, .new_tokens = new_tokens};
        const TokenBatch prompt = RandomRows(config, batch, 9);
        const GenerateOptions options = {.new_tokens = new_tokens};
        EXPECT_EQ(GenerationWork(config, shape, Caching::kOff),
                  WorkOf([&] { Generate(model, prompt, options); }))
            << "batch " << batch << ", " << new_tokens << " new tokens";
        EXPECT_EQ(GenerationWork(config, shape, Caching::kOn),
                  WorkOf([&] { GenerateCached(model, prompt, options); }))
            << "batch " << batch << ", " << new_tokens << " new tokens";
      }
    }
  }
}

// Over n tokens from the first one on, per layer, in FLOP: 24 d^2 n + 2 d n
// (n + 1) with a cache, 12 d^2 n (n + 1) + 2/3 d n (n + 1) (2n + 1) without.
TEST(GenerationWorkTest, OfGpt2IsTheClosedForm) {
  for (const std::uint64_t n : {1, 10, 100, 1024}) {
    const GenerationShape shape = {.prompt_len = 1, .new_tokens = n};
    const std::uint64_t d = 768;
    const std::uint64_t head = 2 * d * 50257 * n;
    EXPECT_EQ(2 * GenerationWork(kGpt2, shape, Caching::kOn).Total(),
              12 * (24 * d * d * n + 2 * d * n * (n + 1)) + head);
    EXPECT_EQ(2 * GenerationWork(kGpt2, shape, Caching::kOff).Total(),
              12 * (12 * d * d * n * (n + 1) +
                    2 * d * n * (n + 1) * (2 * n + 1) / 3) +
                  head);
  }
}

// 878.0 against 24.89 GFLOP at 100 tokens, 102.44 T against 272.3 G at 1,024.
TEST(GenerationWorkTest, OfGpt2IsSavedThirtyfiveAnd376Times) {
  const auto ratio = [](std::size_t new_tokens) {
    const GenerationShape shape = {.prompt_len = 1, .new_tokens = new_tokens};
    return static_cast<double>(
               GenerationWork(kGpt2, shape, Caching::kOff).Total()) /
           static_cast<double>(
               GenerationWork(kGpt2, shape, Caching::kOn).Total());
  };
  EXPECT_NEAR(ratio(100), 35.3, 0.05);   // rounded to a decimal
  EXPECT_NEAR(ratio(1024), 376.0, 0.5);  // rounded to a whole
}

TEST(GenerationWorkTest, OfTheLinearLayersIsSavedHalfOfNPlusOneTimes) {
  for (const std::uint64_t n : {10, 25, 50, 100, 200, 500}) {
    const GenerationShape shape = {.prompt_len = 1, .new_tokens = n};
    const WorkCounts without = GenerationWork(kGpt2, shape, Caching::kOff);
    const WorkCounts with = GenerationWork(kGpt2, shape, Caching::kOn);
    for (const Work work : {Work::kQkv, Work::kProjection, Work::kMlp}) {
      EXPECT_EQ(2 * without[work], (n + 1) * with[work]) << WorkName(work);
    }
    EXPECT_EQ(without[Work::kHead], with[Work::kHead]);
  }
}

// ---- Task 4.5 ----------------------------------------------------------

TEST(PassTrafficTest, ReadsAllParametersButPositionsOnce) {
  for (const Gpt2Config& config : Shapes()) {
    const std::shared_ptr<const Gpt2Weights> weights = WeightsOf(config);
    for (const std::size_t new_len : {1, 20}) {
      const Traffic traffic =
          PassTraffic(config, {.batch = 3, .new_len = new_len}, sizeof(float));
      EXPECT_EQ(traffic.weights, weights->Bytes() - weights->wpe.Bytes());
      EXPECT_EQ(traffic.cache_read, 0U);
      EXPECT_EQ(traffic.cache_written, 0U);
    }
  }
}

TEST(PassTrafficTest, OfGpt2InFloat16HasVectorsInFloat32) {
  // 124,439,808 parameters, of which 1,024 positions are not read; biases and
  // norms are 9 d + d_mlp a block and 2 d at the end.
  const std::uint64_t vectors = 12U * (9 * 768 + 3072) + 2 * 768;
  const std::uint64_t matrices = 124'439'808U - 1024 * 768 - vectors;
  EXPECT_EQ(PassTraffic(kGpt2, {.new_len = 1}, 2).weights,
            2 * matrices + 4 * vectors);
}

TEST(PassTrafficTest, OfTheCacheIsWhatModule3HoldsAndCopies) {
  for (const Gpt2Config& config : Shapes()) {
    for (const std::size_t batch : {1, 3}) {
      Gpt2 model(WeightsOf(config));
      const KvCacheHandle handle = EnableKvCache(model, batch, 30);
      for (const std::size_t new_len : {7, 1, 4, 1, 16}) {
        const std::size_t past_len = handle.Cache().PastLen();
        const TokenBatch rows = RandomRows(config, batch, new_len);
        const std::uint64_t written = BytesCopiedBy(
            [&] { model.Forward(rows, LogitsFor::kLastPosition); });
        std::uint64_t held = 0;
        for (std::size_t layer = 0; layer < config.num_layers; ++layer) {
          const LayerCache& cache = handle.Cache().Layer(layer);
          held += (cache.Keys().size() + cache.Values().size()) * sizeof(float);
        }
        const Traffic traffic = PassTraffic(config,
                                            {.batch = batch,
                                             .past_len = past_len,
                                             .new_len = new_len,
                                             .caching = Caching::kOn},
                                            sizeof(float));
        EXPECT_EQ(traffic.cache_written, written)
            << new_len << " tokens behind " << past_len;
        EXPECT_EQ(traffic.cache_read, held)
            << new_len << " tokens behind " << past_len;
      }
    }
  }
}

// GPT-2, float32: 73,728 bytes of cache a token and 494,613,504 of weights, so
// at 6,708 tokens a step reads as much of the one as of the other.
TEST(PassTrafficTest, OfTheCacheOvertakesTheWeights) {
  const auto step = [](std::size_t total_len) {
    return PassTraffic(
        kGpt2,
        {.past_len = total_len - 1, .new_len = 1, .caching = Caching::kOn},
        sizeof(float));
  };
  EXPECT_LT(step(6'708).cache_read, step(6'708).weights);
  EXPECT_GT(step(6'709).cache_read, step(6'709).weights);
}

TEST(PassTrafficTest, RefusesWhatPassWorkRefuses) {
  EXPECT_THROW(PassTraffic(kGpt2, {.past_len = 1, .new_len = 1}, 4),
               ContractError);
  EXPECT_THROW(PassTraffic(kGpt2, {.new_len = 1}, std::size_t{1} << 60U),
               ContractError);
}

TEST(PassTrafficTest, RefusesATotalThatDoesNotFit) {
  const Gpt2Config tiny = {.num_layers = 1, .d_model = 1};
  // 8 bytes a token read, as many written: 2^63 each.
  EXPECT_THROW(
      PassTraffic(
          tiny, {.new_len = std::size_t{1} << 60U, .caching = Caching::kOn}, 4),
      ContractError);
}

TEST(GenerationTrafficTest, ReadsTheWeightsOncePerTokenEitherWay) {
  const GenerationShape shape = {.batch = 3, .prompt_len = 5, .new_tokens = 20};
  const std::uint64_t once = PassTraffic(kGpt2, {.new_len = 1}, 2).weights;
  EXPECT_EQ(GenerationTraffic(kGpt2, shape, Caching::kOn, 2).weights,
            20 * once);
  EXPECT_EQ(GenerationTraffic(kGpt2, shape, Caching::kOff, 2),
            (Traffic{.weights = 20 * once}));
}

TEST(GenerationTrafficTest, OfTheCacheIsWhatModule3Copies) {
  const Gpt2Config& config = Shapes()[1];
  Gpt2 model(WeightsOf(config));
  const GenerationShape shape = {.batch = 3, .prompt_len = 5, .new_tokens = 20};
  const std::uint64_t copied = BytesCopiedBy([&] {
    GenerateCached(model, RandomRows(config, 3, 5), {.new_tokens = 20});
  });
  const Traffic traffic =
      GenerationTraffic(config, shape, Caching::kOn, sizeof(float));
  EXPECT_EQ(traffic.cache_written, copied);
  // Lengths 5, 6, .. 24 are read: 290 times the tokens of all rows and layers.
  EXPECT_EQ(traffic.cache_read, 290U * 3 * 2 * 2 * 15 * sizeof(float));
}

}  // namespace
}  // namespace kvlab
