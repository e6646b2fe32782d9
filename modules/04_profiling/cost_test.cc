// Tests the contract of cost.h, task by task. The formulas must exactly equal
// the kit's counts while modules 1 to 3 run.
#include "modules/04_profiling/cost.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/linear_algebra.h"
#include "kit/math/work.h"
#include "kit/model/caching.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
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

// In the first three all sizes differ, and in the second d_mlp is not 4
// d_model; in the last two, sizes are equal that a formula must not confuse:
// d_mlp and d_model, then vocab_size and d_model.
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
      {.num_layers = 9,
       .num_heads = 9,
       .d_model = 27,
       .d_mlp = 27,
       .max_positions = 45,
       .vocab_size = 300},
      {.num_layers = 1,
       .num_heads = 2,
       .d_model = 10,
       .d_mlp = 7,
       .max_positions = 35,
       .vocab_size = 10},
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
// which is computed like any token.
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

// The MACs of attention that no program can leave out: those of each query with
// the keys that it sees, columns left_pad to its own.
std::uint64_t UnmaskedMacs(const Gpt2Config& config, const TokenBatch& rows,
                           std::size_t past_len) {
  std::uint64_t seen = 0;
  for (const std::size_t pad : rows.left_pad) {
    for (std::size_t t = 0; t < rows.ids.shape(1); ++t) {
      const std::size_t end = past_len + t + 1;
      seen += end > pad ? end - pad : 0;
    }
  }
  return 2 * config.num_layers * config.d_model * seen;
}

// Whether a pass counted what the formula says. Attention may leave out what
// the mask hides (module 1 allows that), and counts less then.
::testing::AssertionResult Counts(const WorkCounts& counted,
                                  const WorkCounts& formula,
                                  std::uint64_t unmasked) {
  WorkCounts expected = formula;
  auto& attention = expected.macs[static_cast<std::size_t>(Work::kAttention)];
  const std::uint64_t done = counted[Work::kAttention];
  if (unmasked <= done && done <= attention) attention = done;
  if (counted == expected) return ::testing::AssertionSuccess();
  auto failure = ::testing::AssertionFailure();
  for (std::size_t i = 0; i < kWorkCategories; ++i) {
    if (counted.macs[i] == expected.macs[i]) continue;
    failure << WorkName(static_cast<Work>(i)) << ": the run counted "
            << counted.macs[i] << ", the formula gives " << formula.macs[i]
            << "; ";
  }
  return failure;
}

// Bytes of the keys and values that all layers hold.
std::uint64_t BytesHeld(const KvCache& cache) {
  std::uint64_t held = 0;
  for (std::size_t layer = 0; layer < cache.Shape().num_layers; ++layer) {
    const LayerCache& one = cache.Layer(layer);
    held += (one.Keys().size() + one.Values().size()) * sizeof(float);
  }
  return held;
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

// Together these allow only one list: as many passes as new tokens, of which
// number i ends with token prompt_len + i; without a cache none has a past,
// with one each continues where the previous one ended.
TEST(PassesOfTest, EndOneTokenFurtherEachTime) {
  for (const Caching caching : {Caching::kOff, Caching::kOn}) {
    for (const std::size_t batch : {1, 5, 300}) {
      for (const std::size_t prompt_len :
           {std::size_t{1}, std::size_t{2}, std::size_t{17}, std::size_t{1000},
            std::size_t{1} << 33U}) {
        for (const std::size_t new_tokens : {1, 2, 17, 33, 300}) {
          const std::vector<ForwardPass> passes =
              PassesOf({.batch = batch,
                        .prompt_len = prompt_len,
                        .new_tokens = new_tokens},
                       caching);
          ASSERT_EQ(passes.size(), new_tokens);
          std::size_t end = 0;
          for (std::size_t i = 0; i < new_tokens; ++i) {
            const ForwardPass& pass = passes[i];
            const std::size_t past = caching == Caching::kOn ? end : 0;
            end = prompt_len + i;
            ASSERT_EQ(pass, (ForwardPass{.batch = batch,
                                         .past_len = past,
                                         .new_len = end - past,
                                         .caching = caching}))
                << "pass " << i << " of " << new_tokens << " after a prompt of "
                << prompt_len;
          }
        }
      }
    }
  }
}

TEST(PassesOfTest, RefuseLengthsThatWrapRound) {
  const std::size_t all = ~std::size_t{0};
  for (const Caching caching : {Caching::kOff, Caching::kOn}) {
    EXPECT_EQ(PassesOf({.prompt_len = all, .new_tokens = 1}, caching).size(),
              1U);
    EXPECT_THROW(PassesOf({.prompt_len = all, .new_tokens = 2}, caching),
                 ContractError);
  }
}

TEST(PassesOfTest, AreNoneForNoTokensAndNeedAPrompt) {
  EXPECT_TRUE(PassesOf({.prompt_len = 5}, Caching::kOn).empty());
  EXPECT_TRUE(PassesOf({.prompt_len = 5}, Caching::kOff).empty());
  EXPECT_THROW(PassesOf({.new_tokens = 3}, Caching::kOn), ContractError);
  EXPECT_THROW(PassesOf({.new_tokens = 3}, Caching::kOff), ContractError);
}

// ---- Task 4.4 ----------------------------------------------------------

TEST(PassWorkTest, IsWhatAFullPassCounts) {
  for (const Gpt2Config& config : Shapes()) {
    Gpt2 model(WeightsOf(config));
    for (const std::size_t batch : {1, 3, 5}) {
      for (const std::size_t seq_len : {1, 2, 17}) {
        const TokenBatch rows = RandomRows(config, batch, seq_len);
        const WorkCounts counted =
            WorkOf([&] { model.Forward(rows, LogitsFor::kLastPosition); });
        EXPECT_TRUE(Counts(
            counted, PassWork(config, {.batch = batch, .new_len = seq_len}),
            UnmaskedMacs(config, rows, 0)))
            << config.num_layers << " layers, batch " << batch << ", "
            << seq_len << " tokens";
      }
    }
  }
}

TEST(PassWorkTest, IsWhatPrefillChunkAndStepCountWithACache) {
  for (const Gpt2Config& config : Shapes()) {
    for (const std::size_t batch : {1, 3, 5}) {
      Gpt2 model(WeightsOf(config));
      const KvCacheHandle handle =
          EnableKvCache(model, {.batch = batch, .max_seq_len = 33});
      for (const std::size_t new_len : {7, 1, 4, 1, 1, 16, 2, 1}) {
        const std::size_t past_len = handle.Cache().PastLen();
        const TokenBatch rows = RandomRows(config, batch, new_len);
        const WorkCounts counted =
            WorkOf([&] { model.Forward(rows, LogitsFor::kLastPosition); });
        EXPECT_TRUE(Counts(counted,
                           PassWork(config, {.batch = batch,
                                             .past_len = past_len,
                                             .new_len = new_len,
                                             .caching = Caching::kOn}),
                           UnmaskedMacs(config, rows, past_len)))
            << config.num_layers << " layers, batch " << batch << ", "
            << new_len << " tokens after " << past_len;
      }
    }
  }
}

// The kit's two products of every query with every key, head by head, whether
// or not the mask then hides it.
TEST(PassWorkTest, OfAttentionIsTwoProductsPerHead) {
  for (const Gpt2Config& config : Shapes()) {
    for (const std::size_t past_len : {0, 1, 20}) {
      for (const std::size_t new_len : {1, 2, 13}) {
        const std::size_t head_dim = config.d_model / config.num_heads;
        const std::size_t total_len = past_len + new_len;
        const Tensor2 queries = xt::zeros<float>({new_len, head_dim});
        const Tensor2 keys = xt::zeros<float>({total_len, head_dim});
        Tensor2 scores = xt::zeros<float>({new_len, total_len});
        Tensor2 attended = xt::zeros<float>({new_len, head_dim});
        const WorkCounts of_a_head = WorkOf([&] {
          MatMulTransposed(Work::kAttention, Rows(queries), Rows(keys),
                           Rows(scores));
          MatMul(Work::kAttention, Rows(std::as_const(scores)), Rows(keys),
                 Rows(attended));
        });
        EXPECT_EQ(PassWork(config, {.batch = 5,
                                    .past_len = past_len,
                                    .new_len = new_len,
                                    .caching = Caching::kOn})[Work::kAttention],
                  5 * config.num_layers * config.num_heads *
                      of_a_head[Work::kAttention])
            << new_len << " tokens after " << past_len;
      }
    }
  }
}

// Which size changes which category, starting from small sizes: three times as
// much of it, and 2^20 + 1 times, which makes the result exceed 32 bits.
TEST(PassWorkTest, EachCategoryGrowsWithItsSizes) {
  struct Size {
    const char* name;
    std::function<void(Gpt2Config&, ForwardPass&, std::size_t)> multiply;
    std::array<std::size_t, kWorkCategories> powers;  // in the order of Work
  };
  const std::vector<Size> sizes = {
      {"batch",
       [](auto&, auto& pass, auto by) { pass.batch *= by; },
       {1, 1, 1, 1, 1}},
      {"num_layers",
       [](auto& config, auto&, auto by) { config.num_layers *= by; },
       {1, 1, 1, 1, 0}},
      {"num_heads",
       [](auto& config, auto&, auto by) { config.num_heads *= by; },
       {0, 0, 0, 0, 0}},
      {"d_mlp",
       [](auto& config, auto&, auto by) { config.d_mlp *= by; },
       {0, 0, 0, 1, 0}},
      {"d_model",
       [](auto& config, auto&, auto by) { config.d_model *= by; },
       {2, 1, 2, 1, 1}},
      {"vocab_size",
       [](auto& config, auto&, auto by) { config.vocab_size *= by; },
       {0, 0, 0, 0, 1}},
      {"max_positions",
       [](auto& config, auto&, auto by) { config.max_positions *= by; },
       {0, 0, 0, 0, 0}},
      {"past_len and new_len",
       [](auto&, auto& pass, auto by) {
         pass.past_len *= by;
         pass.new_len *= by;
       },
       {1, 2, 1, 1, 0}}};
  for (const Size& size : sizes) {
    for (const std::size_t by : {std::size_t{3}, (std::size_t{1} << 20U) + 1}) {
      Gpt2Config config = Shapes()[1];
      ForwardPass pass = {
          .batch = 2, .past_len = 11, .new_len = 7, .caching = Caching::kOn};
      WorkCounts expected = PassWork(config, pass);
      for (std::size_t i = 0; i < kWorkCategories; ++i) {
        for (std::size_t power = 0; power < size.powers[i]; ++power) {
          expected.macs[i] *= by;
        }
      }
      size.multiply(config, pass, by);
      EXPECT_EQ(PassWork(config, pass), expected)
          << by << " times " << size.name;
    }
  }
}

// Several sizes beyond 8 bits at once, by the formulas of the header.
TEST(PassWorkTest, TakesLargeSizesTogether) {
  for (const std::size_t size : {10, 70, 300}) {
    const Gpt2Config config = {.num_layers = size + 1,
                               .num_heads = size,
                               .d_model = 2 * size,
                               .d_mlp = 3 * size,
                               .max_positions = 9 * size,
                               .vocab_size = size + 7};
    const ForwardPass pass = {.batch = size + 2,
                              .past_len = size + 3,
                              .new_len = size + 4,
                              .caching = Caching::kOn};
    const WorkCounts work = PassWork(config, pass);
    const std::uint64_t token_passes =
        (size + 2) * (size + 4) * std::uint64_t{size + 1};
    EXPECT_EQ(work[Work::kQkv], token_passes * 12 * size * size);
    EXPECT_EQ(work[Work::kProjection], token_passes * 4 * size * size);
    EXPECT_EQ(work[Work::kMlp], token_passes * 12 * size * size);
    EXPECT_EQ(work[Work::kAttention], token_passes * 4 * size * (2 * size + 7));
    EXPECT_EQ(work[Work::kHead] % (2 * size * (size + 7)), 0U);
  }
}

// 24 d^2 + 4 t d FLOP per layer and 2 d V for the head (Hoffmann et al. 2022,
// arXiv:2203.15556, appendix F, for one token after t - 1 others; here every
// category separately, in MACs).
TEST(PassWorkTest, OfAStepOfGpt2IsTheTextbooks) {
  const WorkCounts work =
      PassWork(kGpt2, {.past_len = 999, .new_len = 1, .caching = Caching::kOn});
  EXPECT_EQ(work[Work::kQkv], 12U * 3 * 768 * 768);
  EXPECT_EQ(work[Work::kAttention], 12U * 2 * 1000 * 768);
  EXPECT_EQ(work[Work::kProjection], 12U * 768 * 768);
  EXPECT_EQ(work[Work::kMlp], 12U * 8 * 768 * 768);
  EXPECT_EQ(work[Work::kHead], 768U * 50257);
}

TEST(PassWorkTest, RefusesAPastThatNothingKept) {
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
  // S is P + T, which itself wraps round.
  EXPECT_THROW(PassWork(small, {.past_len = ~std::size_t{0},
                                .new_len = 2,
                                .caching = Caching::kOn}),
               ContractError);
}

TEST(PassWorkTest, RefusesEachCategoryForItself) {
  const Gpt2Config one = {.num_layers = 1,
                          .num_heads = 1,
                          .d_model = 1,
                          .d_mlp = 1,
                          .max_positions = 1,
                          .vocab_size = 1};
  const std::size_t huge = std::size_t{1} << 62U;
  Gpt2Config mlp = one;
  mlp.d_mlp = huge;  // 2 d d_mlp is 2^63
  EXPECT_EQ(PassWork(mlp, {.new_len = 1})[Work::kMlp], 2 * huge);
  mlp.num_layers = 2;
  EXPECT_THROW(PassWork(mlp, {.new_len = 1}), ContractError);
  Gpt2Config head = one;
  head.vocab_size = huge;
  EXPECT_EQ(PassWork(head, {.batch = 3, .new_len = 1})[Work::kHead], 3 * huge);
  EXPECT_THROW(PassWork(head, {.batch = 4, .new_len = 1}), ContractError);
  Gpt2Config wide = one;
  wide.d_model = std::size_t{1} << 31U;  // 3 d^2 is 3 2^62, 6 d^2 too much
  EXPECT_EQ(PassWork(wide, {.new_len = 1})[Work::kQkv], 3 * huge);
  EXPECT_THROW(PassWork(wide, {.new_len = 2}), ContractError);
}

// Each category fits, only their total does not; and 0 times a large number is
// 0, in any order.
TEST(PassWorkTest, AnswersWhereOnlyAProductOnTheWayDoesNotFit) {
  const std::size_t huge = std::size_t{1} << 62U;
  const Gpt2Config config = {.num_layers = 1,
                             .num_heads = 1,
                             .d_model = 1,
                             .d_mlp = huge,
                             .max_positions = 1,
                             .vocab_size = huge};
  const WorkCounts work = PassWork(config, {.batch = 1, .new_len = 1});
  EXPECT_EQ(work[Work::kMlp], 2 * huge);
  EXPECT_EQ(work[Work::kHead], huge);
  Gpt2Config deep = config;
  deep.num_layers = huge;
  EXPECT_EQ(PassWork(deep, {.batch = 0, .new_len = huge}), WorkCounts{});
}

TEST(GenerationWorkTest, IsWhatBothWaysOfGeneratingCount) {
  for (const Gpt2Config& config : Shapes()) {
    Gpt2 model(WeightsOf(config));
    for (const std::size_t batch : {1, 5}) {
      for (const std::size_t new_tokens : {0, 1, 2, 21}) {
        const GenerationShape shape = {
            .batch = batch, .prompt_len = 9, .new_tokens = new_tokens};
        const TokenBatch prompt = RandomRows(config, batch, 9);
        const GenerateOptions options = {.new_tokens = new_tokens};
        for (const Caching caching : {Caching::kOff, Caching::kOn}) {
          const WorkCounts counted = WorkOf([&] {
            caching == Caching::kOn ? GenerateCached(model, prompt, options)
                                    : Generate(model, prompt, options);
          });
          std::uint64_t unmasked = 0;
          for (std::size_t step = 0; step < new_tokens; ++step) {
            const bool whole = step == 0 || caching == Caching::kOff;
            const std::size_t new_len = whole ? 9 + step : 1;
            const TokenBatch computed = {Tokens::from_shape({batch, new_len}),
                                         prompt.left_pad};
            unmasked += UnmaskedMacs(config, computed, 9 + step - new_len);
          }
          EXPECT_TRUE(
              Counts(counted, GenerationWork(config, shape, caching), unmasked))
              << "batch " << batch << ", " << new_tokens << " new tokens, "
              << (caching == Caching::kOn ? "with" : "without") << " a cache";
        }
      }
    }
  }
}

// However many passes: the sum over the list, category by category.
TEST(GenerationWorkTest, IsTheSumOverItsPasses) {
  for (const Gpt2Config& config : Shapes()) {
    for (const Caching caching : {Caching::kOff, Caching::kOn}) {
      for (const std::size_t new_tokens : {3, 17, 65, 257}) {
        const GenerationShape shape = {
            .batch = 5, .prompt_len = 4, .new_tokens = new_tokens};
        WorkCounts sum;
        for (const ForwardPass& pass : PassesOf(shape, caching)) {
          sum = sum + PassWork(config, pass);
        }
        EXPECT_EQ(GenerationWork(config, shape, caching), sum);
      }
    }
  }
}

TEST(GenerationWorkTest, RefusesASumThat64BitsCannotHold) {
  const Gpt2Config head = {.num_layers = 1,
                           .num_heads = 1,
                           .d_model = 1,
                           .d_mlp = 1,
                           .max_positions = 1,
                           .vocab_size = std::size_t{1} << 62U};
  const auto shape = [](std::size_t new_tokens) {
    return GenerationShape{.prompt_len = 1, .new_tokens = new_tokens};
  };
  EXPECT_EQ(GenerationWork(head, shape(3), Caching::kOn)[Work::kHead],
            3 * (std::uint64_t{1} << 62U));
  for (const Caching caching : {Caching::kOff, Caching::kOn}) {
    EXPECT_THROW(GenerationWork(head, shape(4), caching), ContractError);
    EXPECT_THROW(GenerationWork(head, {.new_tokens = 2}, caching),
                 ContractError);
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

// The bytes written are the cache's growth, and the bytes read are all that it
// holds afterwards.
TEST(PassTrafficTest, OfTheCacheIsWhatModule3Holds) {
  for (const Gpt2Config& config : Shapes()) {
    for (const std::size_t batch : {1, 3, 5}) {
      Gpt2 model(WeightsOf(config));
      const KvCacheHandle handle =
          EnableKvCache(model, {.batch = batch, .max_seq_len = 33});
      for (const std::size_t new_len : {7, 1, 4, 1, 16, 3, 1}) {
        const std::size_t past_len = handle.Cache().PastLen();
        const TokenBatch rows = RandomRows(config, batch, new_len);
        const std::uint64_t held_before = BytesHeld(handle.Cache());
        model.Forward(rows, LogitsFor::kLastPosition);
        const std::uint64_t held = BytesHeld(handle.Cache());
        for (const std::size_t bytes_per_weight : {1, 2, 4}) {
          const Traffic traffic = PassTraffic(config,
                                              {.batch = batch,
                                               .past_len = past_len,
                                               .new_len = new_len,
                                               .caching = Caching::kOn},
                                              bytes_per_weight);
          EXPECT_EQ(traffic.cache_written, held - held_before)
              << new_len << " tokens after " << past_len;
          EXPECT_EQ(traffic.cache_read, held)
              << new_len << " tokens after " << past_len;
        }
      }
    }
  }
}

// The matrices shrink with their elements, the vectors and the cache do not.
TEST(PassTrafficTest, OfMatricesAloneDependsOnTheirElements) {
  for (const Gpt2Config& config : Shapes()) {
    const std::shared_ptr<const Gpt2Weights> weights = WeightsOf(config);
    std::uint64_t matrices = weights->wte.Bytes();  // in float32
    for (const BlockWeights& block : weights->blocks) {
      matrices +=
          block.attn.c_attn.weight.Bytes() + block.attn.c_proj.weight.Bytes() +
          block.mlp.c_fc.weight.Bytes() + block.mlp.c_proj.weight.Bytes();
    }
    const ForwardPass pass = {
        .batch = 5, .past_len = 9, .new_len = 4, .caching = Caching::kOn};
    const Traffic floats = PassTraffic(config, pass, 4);
    for (const std::size_t bytes : {1, 2, 8}) {
      Traffic expected = floats;
      expected.weights = floats.weights - matrices + matrices / 4 * bytes;
      EXPECT_EQ(PassTraffic(config, pass, bytes), expected)
          << bytes << " bytes per weight";
    }
  }
}

// As for the work: which size changes which kind of bytes.
TEST(PassTrafficTest, EachKindGrowsWithItsSizes) {
  const std::size_t huge = (std::size_t{1} << 33U) + 1;
  const Gpt2Config& config = Shapes()[1];
  const ForwardPass pass = {
      .batch = 2, .past_len = 11, .new_len = 7, .caching = Caching::kOn};
  const Traffic once = PassTraffic(config, pass, 2);
  ForwardPass rows = pass;
  rows.batch *= huge;
  EXPECT_EQ(PassTraffic(config, rows, 2),
            (Traffic{.weights = once.weights,
                     .cache_read = huge * once.cache_read,
                     .cache_written = huge * once.cache_written}));
  ForwardPass tokens = pass;
  tokens.past_len *= huge;
  tokens.new_len *= huge;
  EXPECT_EQ(PassTraffic(config, tokens, 2), PassTraffic(config, rows, 2));
  ForwardPass past = pass;
  past.past_len = pass.past_len + 18 * (huge - 1);  // P + T is 18
  EXPECT_EQ(PassTraffic(config, past, 2),
            (Traffic{.weights = once.weights,
                     .cache_read = huge * once.cache_read,
                     .cache_written = once.cache_written}));
  Gpt2Config deep = config;  // 2 layers
  deep.num_layers *= huge;
  const std::uint64_t outside = (15 * 70) * 2 + 2 * 15 * 4;  // head, last norm
  EXPECT_EQ(PassTraffic(deep, pass, 2),
            (Traffic{.weights = huge * (once.weights - outside) + outside,
                     .cache_read = huge * once.cache_read,
                     .cache_written = huge * once.cache_written}));
}

// Every size beyond what 8 bits count.
constexpr Gpt2Config kWide = {.num_layers = 270,
                              .num_heads = 300,
                              .d_model = 600,
                              .d_mlp = 1'000,
                              .max_positions = 4'000,
                              .vocab_size = 777};

TEST(PassTrafficTest, IsTheFormulaForLargeModelsAndElements) {
  const std::uint64_t matrices =
      270 * (4 * 600 * 600 + 2 * 600 * 1'000) + 600 * 777;
  // Two norms and the biases of four products in each layer, one norm after it
  const std::uint64_t vectors = 270 * (9 * 600 + 1'000) + 2 * 600;
  for (const std::size_t bytes : {1, 2, 4, 9, 70, 300}) {
    for (const std::size_t batch : {2, 9, 70, 300}) {
      for (const std::size_t past_len : {2, 9, 70, 300}) {
        for (const std::size_t new_len : {2, 9, 70, 300}) {
          const std::uint64_t token = 2 * 270 * 600 * sizeof(float) * batch;
          EXPECT_EQ(PassTraffic(kWide,
                                {.batch = batch,
                                 .past_len = past_len,
                                 .new_len = new_len,
                                 .caching = Caching::kOn},
                                bytes),
                    (Traffic{.weights = matrices * bytes + vectors * 4,
                             .cache_read = token * (past_len + new_len),
                             .cache_written = token * new_len}));
        }
      }
    }
  }
}

TEST(PassTrafficTest, WithoutACacheHasNoneHoweverManyRows) {
  const ForwardPass pass = {.batch = ~std::size_t{0}, .new_len = 7};
  EXPECT_EQ(PassTraffic(kGpt2, pass, 2), PassTraffic(kGpt2, {.new_len = 1}, 2));
}

// GPT-2, float32: 73,728 bytes of cache a token and 494,613,504 of weights, so
// at 6,708 tokens a step reads as many bytes of cache as of weights.
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
  const Traffic half = PassTraffic(tiny,
                                   {.past_len = (std::size_t{1} << 60U) - 1,
                                    .new_len = 1,
                                    .caching = Caching::kOn},
                                   4);
  EXPECT_EQ(half.cache_read, std::uint64_t{1} << 63U);
  EXPECT_EQ(half.Total(), half.weights + half.cache_read + half.cache_written);
  EXPECT_THROW((Traffic{.weights = std::uint64_t{1} << 63U,
                        .cache_written = std::uint64_t{1} << 63U})
                   .Total(),
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

TEST(GenerationTrafficTest, OfTheCacheIsTheSumOverItsPasses) {
  for (const std::size_t batch : {1, 5}) {
    const Traffic traffic = GenerationTraffic(
        Shapes()[1], {.batch = batch, .prompt_len = 5, .new_tokens = 20},
        Caching::kOn, 1);
    const std::uint64_t token = 2 * 2 * 15 * sizeof(float) * batch;
    // 5 tokens of the prompt and 19 steps are written; lengths 5, 6, .. 24 are
    // read.
    EXPECT_EQ(traffic.cache_written, 24 * token);
    EXPECT_EQ(traffic.cache_read, 290 * token);
  }
  for (const Caching caching : {Caching::kOff, Caching::kOn}) {
    for (const std::size_t new_tokens : {0, 1, 2, 17, 257}) {
      const GenerationShape shape = {
          .batch = 5, .prompt_len = 3, .new_tokens = new_tokens};
      Traffic sum;
      for (const ForwardPass& pass : PassesOf(shape, caching)) {
        const Traffic one = PassTraffic(kGpt2, pass, 2);
        sum.weights += one.weights;
        sum.cache_read += one.cache_read;
        sum.cache_written += one.cache_written;
      }
      EXPECT_EQ(GenerationTraffic(kGpt2, shape, caching, 2), sum)
          << new_tokens << " new tokens";
    }
  }
}

TEST(GenerationTrafficTest, IsTheSumOverItsPassesForLargeSizes) {
  for (const Caching caching : {Caching::kOff, Caching::kOn}) {
    for (const std::size_t bytes : {9, 70, 300}) {
      for (const std::size_t new_tokens : {2, 9, 70, 300}) {
        const GenerationShape shape = {
            .batch = 300, .prompt_len = 300, .new_tokens = new_tokens};
        Traffic traffic;
        WorkCounts work;
        for (const ForwardPass& pass : PassesOf(shape, caching)) {
          const Traffic one = PassTraffic(kWide, pass, bytes);
          traffic.weights += one.weights;
          traffic.cache_read += one.cache_read;
          traffic.cache_written += one.cache_written;
          work = work + PassWork(kWide, pass);
        }
        EXPECT_EQ(GenerationTraffic(kWide, shape, caching, bytes), traffic);
        EXPECT_EQ(GenerationWork(kWide, shape, caching), work);
      }
    }
  }
}

TEST(GenerationTrafficTest, RefusesASumThat64BitsCannotHold) {
  const Gpt2Config head = {
      .num_layers = 0, .d_model = 1, .vocab_size = std::size_t{1} << 60U};
  const auto shape = [](std::size_t new_tokens) {
    return GenerationShape{.prompt_len = 1, .new_tokens = new_tokens};
  };
  // 2^62 bytes of the head and 8 of the last norm, each time
  EXPECT_EQ(GenerationTraffic(head, shape(3), Caching::kOn, 4).weights,
            3 * ((std::uint64_t{1} << 62U) + 8));
  for (const Caching caching : {Caching::kOff, Caching::kOn}) {
    EXPECT_THROW(GenerationTraffic(head, shape(4), caching, 4), ContractError);
    EXPECT_EQ(GenerationTraffic(head, shape(0), caching, 4), Traffic{});
  }
}

}  // namespace
}  // namespace kvlab
