// Tests the contract of rolling_cache.h. The second method is attention over
// plain lists in double (forgetful_model.h), of which a rule takes what a
// window does not reach.
#include "modules/05_beyond/rolling_cache.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"
#include "modules/01_attention/attention.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/allocation_counter.h"
#include "modules/03_memoization/split_sequence.h"
#include "modules/05_beyond/forgetful_model.h"
#include "modules/05_beyond/recomputed_attention.h"

namespace kvlab {
namespace {

// Exponentials of 1e-6, and sums of at most 300 terms.
constexpr float kTolerance = 2e-5F;

// The same of scores that are sums of hundreds of products.
constexpr float kLargeTolerance = 1e-4F;

// Logits of size 1 to 10 after three layers.
constexpr float kLogitTolerance = 2e-4F;

// The tokens of a test, all of a sequence.
struct Sizes {
  std::size_t batch = 1;
  std::size_t heads = 1;
  std::size_t kv_heads = 1;
  std::size_t tokens = 1;
  std::size_t head_dim = 4;
};

struct Sequence {
  Sequence(std::uint64_t seed, const Sizes& sizes) : sizes(sizes) {
    Random random(seed);
    all.queries = RandomTensor4(
        random, {sizes.batch, sizes.heads, sizes.tokens, sizes.head_dim});
    // So that keys weigh differently.
    for (float& query : all.queries) query *= 4;
    all.keys = RandomTensor4(
        random, {sizes.batch, sizes.kv_heads, sizes.tokens, sizes.head_dim});
    all.values = RandomTensor4(
        random, {sizes.batch, sizes.kv_heads, sizes.tokens, sizes.head_dim});
  }

  RollingLayer Layer(const Window& window) const {
    return RollingLayer({.batch = sizes.batch,
                         .num_kv_heads = sizes.kv_heads,
                         .head_dim = sizes.head_dim,
                         .window = window});
  }

  // Full attention under the mask of the window.
  Tensor4 Masked(const Window& window) const {
    const PlainRun run = RunForgetful(
        Plain(all, left_pad), WindowRule({window.newest, window.sinks}));
    Tensor4 attended = Tensor4::from_shape(all.queries.shape());
    std::ranges::copy(run.attended, attended.begin());
    return attended;
  }

  Sizes sizes;
  Qkv all;
  std::vector<std::size_t> left_pad;
};

Qkv PartOf(const Qkv& tokens, std::size_t begin, std::size_t count) {
  return {.queries = Part(tokens.queries, begin, count),
          .keys = Part(tokens.keys, begin, count),
          .values = Part(tokens.values, begin, count)};
}

std::string WindowText(const Window& window) {
  return "a window of " + std::to_string(window.newest) + " and " +
         std::to_string(window.sinks) + " sinks";
}

// Gives the layer the sequence in calls of `pieces` tokens, and compares each.
void ExpectMaskedAttention(const Sequence& sequence, const Window& window,
                           const std::vector<std::size_t>& pieces,
                           float tolerance = kTolerance) {
  const Tensor4 masked = sequence.Masked(window);
  RollingLayer layer = sequence.Layer(window);
  std::size_t begin = 0;
  for (const std::size_t piece : pieces) {
    const Tensor4 attended =
        layer.Attend(PartOf(sequence.all, begin, piece), sequence.left_pad);
    ASSERT_TRUE(Near(attended, Part(masked, begin, piece), tolerance))
        << WindowText(window) << ", " << piece << " tokens after " << begin
        << " (position 0 of a difference is the first of them)";
    begin += piece;
    ASSERT_EQ(layer.PastLen(), begin) << WindowText(window);
  }
}

TEST(SlotOfTest, WithoutSinksIsThePositionModuloTheWindow) {
  const Window window = {.newest = 4};
  const std::vector<std::size_t> slots = {0, 1, 2, 3, 0, 1, 2, 3, 0};
  for (std::size_t position = 0; position < slots.size(); ++position) {
    EXPECT_EQ(SlotOf(window, position), slots[position])
        << "position " << position;
  }
  EXPECT_EQ(SlotOf(window, 4'000'003), 3U);
}

TEST(SlotOfTest, SinksKeepTheirSlots) {
  const Window window = {.newest = 3, .sinks = 2};
  const std::vector<std::size_t> slots = {0, 1, 2, 3, 4, 2, 3, 4, 2};
  for (std::size_t position = 0; position < slots.size(); ++position) {
    EXPECT_EQ(SlotOf(window, position), slots[position])
        << "position " << position;
  }
}

TEST(SlotOfTest, AWindowOfOneHasOneSlot) {
  for (const std::size_t position : {0, 1, 7, 300}) {
    EXPECT_EQ(SlotOf({.newest = 1}, position), 0U);
  }
  EXPECT_EQ(SlotOf({.newest = 1, .sinks = 300}, 299), 299U);
  EXPECT_EQ(SlotOf({.newest = 1, .sinks = 300}, 300), 300U);
  EXPECT_EQ(SlotOf({.newest = 1, .sinks = 300}, 900), 300U);
}

// What p sees has as many slots as it has tokens: no two share one.
TEST(SlotOfTest, TokensThatAreSeenTogetherHaveSlotsOfTheirOwn) {
  for (const Window& window :
       std::vector<Window>{{.newest = 5, .sinks = 0},
                           {.newest = 5, .sinks = 3},
                           {.newest = 1, .sinks = 4},
                           {.newest = 7, .sinks = 1},
                           {.newest = 270, .sinks = 2}}) {
    for (const std::size_t position : {6, 13, 299, 1'000}) {
      std::set<std::size_t> slots;
      std::size_t seen = 0;
      for (std::size_t s = 0; s <= position; ++s) {
        if (s >= window.sinks && s + window.newest <= position) continue;
        ++seen;
        slots.insert(SlotOf(window, s));
      }
      ASSERT_EQ(slots.size(), seen)
          << WindowText(window) << ", seen from position " << position;
      ASSERT_LT(*slots.rbegin(), window.Slots()) << WindowText(window);
    }
  }
}

TEST(SlotOfTest, RefusesAWindowOfNothing) {
  EXPECT_THROW(SlotOf({.newest = 0, .sinks = 2}, 5), ContractError);
  EXPECT_EQ(SlotOf({.newest = 1, .sinks = 2}, 5), 2U);
}

// Without scores that differ, attention is the mean of the values seen.
TEST(RollingLayerTest, AveragesTheNewestTokensByHand) {
  RollingLayer layer(
      {.batch = 1, .num_kv_heads = 1, .head_dim = 1, .window = {.newest = 3}});
  const std::vector<float> means = {10, 15, 20, 30, 40, 50};
  for (std::size_t p = 0; p < means.size(); ++p) {
    Qkv token = {.queries = Tensor4::from_shape({1, 1, 1, 1}),
                 .keys = Tensor4::from_shape({1, 1, 1, 1}),
                 .values = Tensor4::from_shape({1, 1, 1, 1})};
    token.queries.fill(0);
    token.keys.fill(1);
    token.values.fill(10 * static_cast<float>(p + 1));
    const Tensor4 attended = layer.Attend(token, {});
    EXPECT_NEAR(attended(0, 0, 0, 0), means[p], 1e-4F)
        << "position " << p << " sees itself and at most two before it";
  }
}

TEST(RollingLayerTest, SinksStayByHand) {
  RollingLayer layer({.batch = 1,
                      .num_kv_heads = 1,
                      .head_dim = 1,
                      .window = {.newest = 2, .sinks = 1}});
  // Values 10, 20, 30 ..: the first, the one before and the newest.
  const std::vector<float> means = {10, 15, 20, (10 + 30 + 40) / 3.0F,
                                    (10 + 40 + 50) / 3.0F};
  for (std::size_t p = 0; p < means.size(); ++p) {
    Qkv token = {.queries = Tensor4::from_shape({1, 1, 1, 1}),
                 .keys = Tensor4::from_shape({1, 1, 1, 1}),
                 .values = Tensor4::from_shape({1, 1, 1, 1})};
    token.queries.fill(0);
    token.keys.fill(1);
    token.values.fill(10 * static_cast<float>(p + 1));
    EXPECT_NEAR(layer.Attend(token, {})(0, 0, 0, 0), means[p], 1e-4F)
        << "position " << p;
  }
}

TEST(RollingLayerTest, KeysAndValuesAreInTheirSlots) {
  const Window window = {.newest = 3, .sinks = 2};
  const Sequence sequence(50,
                          {.batch = 2, .heads = 4, .kv_heads = 2, .tokens = 9});
  RollingLayer layer = sequence.Layer(window);
  EXPECT_TRUE(std::isnan(layer.Keys()(1, 1, 4, 0))) << "no token has taken it";
  layer.Attend(PartOf(sequence.all, 0, 4), {});
  EXPECT_TRUE(std::isnan(layer.Values()(1, 1, 4, 0)))
      << "4 tokens have taken slots 0 to 3";
  layer.Attend(PartOf(sequence.all, 4, 5), {});
  // Slots: sinks 0 and 1; then positions 2 to 8 in turn, of which 6, 7, 8 stay.
  const std::vector<std::size_t> positions = {0, 1, 8, 6, 7};
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t g = 0; g < 2; ++g) {
      for (std::size_t slot = 0; slot < positions.size(); ++slot) {
        for (std::size_t d = 0; d < 4; ++d) {
          ASSERT_EQ(layer.Keys()(b, g, slot, d),
                    sequence.all.keys(b, g, positions[slot], d))
              << "row " << b << ", head " << g << ", slot " << slot;
          ASSERT_EQ(layer.Values()(b, g, slot, d),
                    sequence.all.values(b, g, positions[slot], d))
              << "row " << b << ", head " << g << ", slot " << slot;
        }
      }
    }
  }
}

TEST(RollingLayerTest, IsMaskedAttentionStepByStep) {
  const Sequence sequence(
      51, {.batch = 2, .heads = 4, .kv_heads = 2, .tokens = 14});
  const std::vector<std::size_t> steps(14, 1);
  for (const Window& window : std::vector<Window>{{.newest = 5, .sinks = 0},
                                                  {.newest = 5, .sinks = 1},
                                                  {.newest = 4, .sinks = 3}}) {
    ExpectMaskedAttention(sequence, window, steps);
  }
}

// Values say whose they are: those of key/value head g are g + 1.
TEST(RollingLayerTest, NeighboursShareAKeyValueHead) {
  RollingLayer layer(
      {.batch = 1, .num_kv_heads = 3, .head_dim = 1, .window = {.newest = 2}});
  Qkv token = {.queries = Tensor4::from_shape({1, 6, 1, 1}),
               .keys = Tensor4::from_shape({1, 3, 1, 1}),
               .values = Tensor4::from_shape({1, 3, 1, 1})};
  token.queries.fill(0);
  token.keys.fill(1);
  for (std::size_t g = 0; g < 3; ++g) {
    token.values(0, g, 0, 0) = static_cast<float>(g + 1);
  }
  const Tensor4 attended = layer.Attend(token, {});
  for (std::size_t h = 0; h < 6; ++h) {
    const std::size_t head = h / 2;
    EXPECT_NEAR(attended(0, h, 0, 0), static_cast<float>(head + 1), 1e-5F)
        << "query head " << h << " of 6 reads head " << head << " of 3";
  }
}

// W and k of 1, of all tokens, of one more and of one fewer.
TEST(RollingLayerTest, IsMaskedAttentionAtTheEdges) {
  const Sequence sequence(52, {.heads = 2, .kv_heads = 2, .tokens = 9});
  const std::vector<std::size_t> steps(9, 1);
  for (const std::size_t newest : {1, 2, 8, 9, 10}) {
    for (const std::size_t sinks : {0, 1, 8, 9, 10}) {
      const Window window = {.newest = newest, .sinks = sinks};
      ExpectMaskedAttention(sequence, window, steps);
      ExpectMaskedAttention(sequence, window, {9});
    }
  }
}

TEST(RollingLayerTest, AWindowOfAllTokensIsCausalAttention) {
  const Sequence sequence(
      53, {.batch = 2, .heads = 6, .kv_heads = 3, .tokens = 11});
  RollingLayer layer = sequence.Layer({.newest = 11});
  const Tensor4 whole =
      CausalAttention(sequence.all.queries, View(sequence.all.keys),
                      View(sequence.all.values), {});
  EXPECT_TRUE(Near(layer.Attend(sequence.all, {}), whole, kTolerance));
}

// A token overwrites one that the query before it still sees.
TEST(RollingLayerTest, PiecesMayBeLongerThanTheWindow) {
  const Sequence sequence(
      54, {.batch = 2, .heads = 2, .kv_heads = 1, .tokens = 23});
  for (const Window& window : std::vector<Window>{{.newest = 3, .sinks = 0},
                                                  {.newest = 3, .sinks = 2},
                                                  {.newest = 1, .sinks = 1}}) {
    ExpectMaskedAttention(sequence, window, {23});
    ExpectMaskedAttention(sequence, window, {7, 9, 1, 6});
    ExpectMaskedAttention(sequence, window, {2, 0, 1, 20});
  }
}

TEST(RollingLayerTest, ARowHoldsWhatItWouldHoldAlone) {
  Sequence sequence(55, {.batch = 4, .heads = 4, .kv_heads = 2, .tokens = 13});
  sequence.left_pad = {2, 0, 7, 13};  // the last has no token at all
  for (const Window& window : std::vector<Window>{{.newest = 4, .sinks = 0},
                                                  {.newest = 3, .sinks = 2}}) {
    ExpectMaskedAttention(sequence, window, {13});
    ExpectMaskedAttention(sequence, window, {5, 1, 1, 4, 2});
    ExpectMaskedAttention(sequence, window, std::vector<std::size_t>(13, 1));
  }
  // The sinks of row 2 are its own first tokens, not the padding before them.
  RollingLayer layer = sequence.Layer({.newest = 3, .sinks = 2});
  layer.Attend(sequence.all, sequence.left_pad);
  for (const std::size_t sink : {0, 1}) {
    EXPECT_EQ(layer.Keys()(2, 1, sink, 0), sequence.all.keys(2, 1, 7 + sink, 0))
        << "sink " << sink << " of a row with 7 columns of padding";
  }
}

TEST(RollingLayerTest, PaddingIsNotStoredAndYieldsZeros) {
  Sequence sequence(56, {.batch = 2, .heads = 2, .kv_heads = 1, .tokens = 6});
  sequence.left_pad = {4, 0};
  RollingLayer layer = sequence.Layer({.newest = 5});
  const Tensor4 attended = layer.Attend(sequence.all, sequence.left_pad);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(attended(0, 1, i, 0), 0.0F) << "column " << i << " is padding";
  }
  EXPECT_NE(attended(0, 1, 4, 0), 0.0F);
  EXPECT_EQ(layer.Keys()(0, 0, 1, 2), sequence.all.keys(0, 0, 5, 2));
  EXPECT_TRUE(std::isnan(layer.Keys()(0, 0, 2, 2))) << "the row has 2 tokens";
}

// A sequence whose rows have no padding, hundreds of columns of it, and all
// numbers between. Of more than 8 rows most have little but padding.
Sequence Padded(std::uint64_t seed, const Sizes& sizes) {
  Sequence sequence(seed, sizes);
  // Queries of size 4 over hundreds of features would see one key alone.
  if (sizes.head_dim > 64) {
    for (float& query : sequence.all.queries) query /= 8;
  }
  const std::size_t few = std::min<std::size_t>(sizes.tokens, 20);
  for (std::size_t b = 0; b < sizes.batch; ++b) {
    sequence.left_pad.push_back(b % 9 == 0 ? 0
                                : b < 8    ? b * 283 % sizes.tokens
                                           : sizes.tokens - b % few);
  }
  return sequence;
}

struct LargeCase {
  Sizes sizes;
  Window window;
};

// In two calls, the second of which sees the tokens of the first.
void ExpectMaskedAttention(std::uint64_t seed,
                           const std::vector<LargeCase>& cases) {
  for (const auto& [sizes, window] : cases) {
    SCOPED_TRACE(std::to_string(sizes.batch) + " rows, " +
                 std::to_string(sizes.heads) + " heads on " +
                 std::to_string(sizes.kv_heads) + " of " +
                 std::to_string(sizes.head_dim) + ", " +
                 std::to_string(sizes.tokens) + " tokens");
    const std::size_t last = std::min<std::size_t>(sizes.tokens / 3, 270);
    ASSERT_NO_FATAL_FAILURE(ExpectMaskedAttention(Padded(seed, sizes), window,
                                                  {sizes.tokens - last, last},
                                                  kLargeTolerance));
  }
}

TEST(RollingLayerTest, AnySizeMayBeHundreds) {
  const Sizes few = {
      .batch = 3, .heads = 4, .kv_heads = 2, .tokens = 9, .head_dim = 3};
  std::vector<LargeCase> cases(6, {few, {.newest = 3, .sinks = 2}});
  cases[0].sizes.tokens = 900;
  cases[0].window = {.newest = 290, .sinks = 3};
  cases[1].sizes.tokens = 600;
  cases[1].window = {.newest = 5, .sinks = 300};
  cases[2].sizes.batch = 270;
  cases[3].sizes.heads = 2 * (cases[3].sizes.kv_heads = 270);
  cases[4].sizes.heads = 2 * 265;
  cases[5].sizes.head_dim = 265;
  ExpectMaskedAttention(57, cases);
}

TEST(RollingLayerTest, RowsAndTokensMayBothBeHundreds) {
  for (const Window& window : std::vector<Window>{
           {.newest = 270, .sinks = 2}, {.newest = 2, .sinks = 270}}) {
    ExpectMaskedAttention(58, {{{.batch = 270,
                                 .heads = 2,
                                 .kv_heads = 1,
                                 .tokens = 290,
                                 .head_dim = 2},
                                window}});
  }
}

TEST(RollingLayerTest, HeadsAndTokensMayBothBeHundreds) {
  const Sizes sizes = {
      .batch = 1, .heads = 260, .kv_heads = 260, .tokens = 264, .head_dim = 1};
  ExpectMaskedAttention(59, {{sizes, {.newest = 259, .sinks = 1}}});
  Sizes grouped = sizes;
  grouped.kv_heads = 1;
  ExpectMaskedAttention(59, {{grouped, {.newest = 1, .sinks = 259}}});
}

TEST(RollingLayerTest, FeaturesAndAnotherSizeMayBothBeHundreds) {
  const Sizes few = {
      .batch = 2, .heads = 2, .kv_heads = 1, .tokens = 4, .head_dim = 260};
  std::vector<LargeCase> cases(5, {few, {.newest = 2, .sinks = 1}});
  cases[0].sizes.tokens = 290;
  cases[0].window.newest = 270;
  cases[1].sizes.tokens = 290;
  cases[1].window.sinks = 270;
  cases[2].sizes.batch = 270;
  cases[3].sizes.heads = 270;
  cases[4].sizes.heads = cases[4].sizes.kv_heads = 270;
  ExpectMaskedAttention(60, cases);
}

TEST(RollingLayerTest, BytesAreTheSameFromTheFirstTokenOn) {
  const Sequence sequence(
      62, {.batch = 2, .heads = 6, .kv_heads = 3, .tokens = 60});
  RollingLayer layer = sequence.Layer({.newest = 7, .sinks = 2});
  const std::uint64_t bytes = 2ULL * 2 * 3 * (7 + 2) * 4 * sizeof(float);
  EXPECT_EQ(layer.Bytes(), bytes);
  layer.Attend(PartOf(sequence.all, 0, 50), {});
  for (std::size_t p = 50; p < 60; ++p) {
    layer.Attend(PartOf(sequence.all, p, 1), {});
  }
  EXPECT_EQ(layer.Bytes(), bytes) << "after 60 tokens";
  EXPECT_EQ(layer.Keys().shape(2), 9U);
}

TEST(RollingLayerTest, AStepAllocatesTheSameAfterAnyNumberOfTokens) {
  const Sequence sequence(
      63, {.batch = 2, .heads = 2, .kv_heads = 1, .tokens = 640});
  RollingLayer layer = sequence.Layer({.newest = 8, .sinks = 1});
  const auto allocated = [&](std::size_t position) {
    const Qkv token = PartOf(sequence.all, position, 1);
    const std::uint64_t before = AllocatedBytes();
    layer.Attend(token, {});
    return AllocatedBytes() - before;
  };
  layer.Attend(PartOf(sequence.all, 0, 16), {});
  allocated(16);  // what a first step needs for good
  const std::uint64_t early = allocated(17);
  layer.Attend(PartOf(sequence.all, 18, 600), {});
  EXPECT_EQ(allocated(618), early) << "618 tokens before, against 17";
}

TEST(RollingLayerTest, AStepCountsTheWorkOfItsWindow) {
  const Sequence sequence(
      64, {.batch = 2, .heads = 4, .kv_heads = 2, .tokens = 100});
  RollingLayer layer = sequence.Layer({.newest = 8, .sinks = 2});
  const auto work = [&](std::size_t begin, std::size_t count) {
    const Qkv tokens = PartOf(sequence.all, begin, count);
    const WorkCounts before = CountedWork();
    layer.Attend(tokens, {});
    const WorkCounts counted = CountedWork() - before;
    EXPECT_EQ(counted.Total(), counted[Work::kAttention]);
    return counted[Work::kAttention];
  };
  const std::uint64_t pair = 2ULL * 4 * 2 * 4;  // rows, heads, products, D
  // The first 5 tokens see 1 to 5 keys.
  const std::uint64_t first = work(0, 5);
  EXPECT_GE(first, pair * (1 + 2 + 3 + 4 + 5));
  EXPECT_LE(first, pair * 5 * (2 + 2 * 8));
  work(5, 94);
  const std::uint64_t step = work(99, 1);
  EXPECT_GE(step, pair * 10);
  EXPECT_LE(step, pair * (2 + 2 * 8)) << "99 tokens before it";
}

TEST(RollingLayerTest, AfterResetTheNextTokenIsTheFirst) {
  const Sequence earlier(65,
                         {.batch = 2, .heads = 2, .kv_heads = 1, .tokens = 8});
  const Sequence sequence(66,
                          {.batch = 2, .heads = 2, .kv_heads = 1, .tokens = 8});
  const Window window = {.newest = 3, .sinks = 1};
  RollingLayer layer = sequence.Layer(window);
  layer.Attend(earlier.all, {});
  layer.Reset();
  EXPECT_EQ(layer.PastLen(), 0U);
  EXPECT_TRUE(Near(layer.Attend(sequence.all, {}), sequence.Masked(window),
                   kTolerance));
}

TEST(RollingLayerTest, RefusesWhatDoesNotFitAndStaysAsItWas) {
  Sequence sequence(67, {.batch = 2, .heads = 4, .kv_heads = 2, .tokens = 8});
  const Window window = {.newest = 3, .sinks = 1};
  RollingLayer layer = sequence.Layer(window);
  layer.Attend(PartOf(sequence.all, 0, 5), {});
  const Qkv right = PartOf(sequence.all, 5, 3);
  Qkv wrong = right;
  wrong.keys = Tensor4::from_shape({2, 2, 2, 4});
  EXPECT_THROW(layer.Attend(wrong, {}), ContractError);
  wrong = right;
  wrong.values = Tensor4::from_shape({2, 4, 3, 4});
  EXPECT_THROW(layer.Attend(wrong, {}), ContractError);
  wrong = right;
  wrong.queries = Tensor4::from_shape({2, 3, 3, 4});
  EXPECT_THROW(layer.Attend(wrong, {}), ContractError)
      << "3 query heads on 2 key/value heads";
  const std::vector<std::size_t> three_rows = {0, 0, 0};
  EXPECT_THROW(layer.Attend(right, three_rows), ContractError);
  EXPECT_EQ(layer.PastLen(), 5U);
  EXPECT_TRUE(Near(layer.Attend(right, {}), Part(sequence.Masked(window), 5, 3),
                   kTolerance));
}

// --- in a model ---

constexpr Gpt2Config kConfig = {.num_layers = 3,
                                .num_heads = 2,
                                .d_model = 16,
                                .d_mlp = 64,
                                .max_positions = 40,
                                .vocab_size = 50};

std::shared_ptr<const Gpt2Weights> Weights() {
  Random random(70);
  return std::make_shared<Gpt2Weights>(RandomGpt2Weights(random, kConfig));
}

// A model whose attention has a window, and the same recomputed under a mask.
std::unique_ptr<Gpt2> ModelWith(const Window& window, std::size_t batch) {
  auto model = std::make_unique<Gpt2>(Weights());
  const RollingLayer layer(
      {.batch = batch, .num_kv_heads = 2, .head_dim = 8, .window = window});
  model->ReplaceAttention(std::make_unique<RollingAttention>(
      2, std::vector<RollingLayer>(kConfig.num_layers, layer)));
  return model;
}

std::unique_ptr<Gpt2> Recomputed(const Window& window) {
  auto model = std::make_unique<Gpt2>(Weights());
  model->ReplaceAttention(std::make_unique<RecomputedAttention>(
      2, WindowRule({window.newest, window.sinks})));
  return model;
}

struct TextSizes {
  std::size_t batch = 0;
  std::size_t tokens = 0;
};

TokenBatch RandomBatch(std::uint64_t seed, const TextSizes& sizes) {
  const auto [batch, tokens] = sizes;
  Random random(seed);
  TokenBatch all;
  all.ids = Tokens::from_shape({batch, tokens});
  std::ranges::copy(RandomTokens(random, batch * tokens, kConfig.vocab_size),
                    all.ids.begin());
  return all;
}

// Logits of the last column, [batch, 1, vocab].
Tensor3 LastLogits(Gpt2& model, const TokenBatch& tokens) {
  return model.Forward(tokens, LogitsFor::kLastPosition);
}

// Positions are those of the text, long after its first tokens are gone.
TEST(RollingAttentionTest, TokensKeepTheirOwnLearnedPositions) {
  for (const Window& window : std::vector<Window>{{.newest = 4, .sinks = 0},
                                                  {.newest = 3, .sinks = 2}}) {
    TokenBatch all = RandomBatch(71, {.batch = 3, .tokens = 25});
    all.left_pad = {0, 9, 3};
    const std::unique_ptr<Gpt2> model = ModelWith(window, 3);
    const std::unique_ptr<Gpt2> masked = Recomputed(window);
    std::size_t begin = 0;
    for (const std::size_t piece : {10, 1, 1, 7, 1, 1, 1, 3}) {
      const Tensor3 logits =
          LastLogits(*model, Columns(all, begin, begin + piece));
      begin += piece;
      ASSERT_TRUE(Near(logits, LastLogits(*masked, Columns(all, 0, begin)),
                       kLogitTolerance))
          << WindowText(window) << ", after " << begin << " tokens";
      ASSERT_EQ(model->CurrentAttention().PastLen(), begin);
    }
  }
}

// A token sees W - 1 tokens further back in each of L layers: the logits of
// position t depend on position s if t - s <= L (W - 1), and one token further
// back they have the same bits, whatever the token.
TEST(RollingAttentionTest, TheReceptiveFieldIsThatOfLayersTimesWindow) {
  for (const std::size_t newest : {1, 2, 5}) {
    const std::size_t reach = kConfig.num_layers * (newest - 1);
    const std::size_t last = reach + 8;
    const auto logits_with = [&](std::size_t changed, TokenId by) {
      TokenBatch all = RandomBatch(72, {.batch = 1, .tokens = last + 1});
      all.ids(0, changed) = (all.ids(0, changed) + by) % 50;
      const std::unique_ptr<Gpt2> model = ModelWith({.newest = newest}, 1);
      LastLogits(*model, Columns(all, 0, 6));
      Tensor3 logits;
      for (std::size_t p = 6; p <= last; ++p) {
        logits = LastLogits(*model, Columns(all, p, p + 1));
      }
      return logits;
    };
    const Tensor3 logits = logits_with(last, 0);
    EXPECT_NE(logits_with(last - reach, 1), logits)
        << "a window of " << newest << ": " << reach << " tokens back is seen";
    EXPECT_EQ(logits_with(last - reach - 1, 1), logits)
        << "a window of " << newest << ": " << reach + 1
        << " tokens back is not seen, so not a bit may change";
  }
}

TEST(RollingAttentionTest, ASinkIsSeenFromEveryPosition) {
  const auto logits_with = [&](std::size_t changed) {
    TokenBatch all = RandomBatch(73, {.batch = 1, .tokens = 30});
    all.ids(0, changed) = (all.ids(0, changed) + 1) % 50;
    const std::unique_ptr<Gpt2> model = ModelWith({.newest = 2, .sinks = 2}, 1);
    return LastLogits(*model, all);
  };
  const Tensor3 of_29 = logits_with(29);
  EXPECT_NE(logits_with(1), logits_with(2)) << "position 1 is a sink";
  EXPECT_EQ(logits_with(5), logits_with(6))
      << "positions 5 and 6 are neither sinks nor within 3 layers of 2 tokens";
  EXPECT_NE(of_29, logits_with(5));
}

TEST(RollingAttentionTest, APassThatBrokeOffMustBeReset) {
  const std::shared_ptr<const Gpt2Weights> weights = Weights();
  const RollingLayer layer(
      {.batch = 1, .num_kv_heads = 2, .head_dim = 8, .window = {.newest = 3}});
  RollingAttention attention(2, {layer, layer});
  Random random(74);
  const Tensor3 x = RandomTensor3(random, {1, 5, 16});
  attention.Forward(0, x, weights->blocks[0].attn, {});
  EXPECT_THROW(attention.Forward(0, x, weights->blocks[0].attn, {}),
               ContractError);
  attention.Reset();
  const Tensor3 first = attention.Forward(0, x, weights->blocks[0].attn, {});
  RollingAttention fresh(2, {layer, layer});
  EXPECT_EQ(fresh.Forward(0, x, weights->blocks[0].attn, {}), first);
}

TEST(RollingAttentionTest, PositionsThatWereNotLearnedAreStillRefused) {
  const std::unique_ptr<Gpt2> model = ModelWith({.newest = 4}, 1);
  const TokenBatch all = RandomBatch(75, {.batch = 1, .tokens = 41});
  LastLogits(*model, Columns(all, 0, 40));
  EXPECT_THROW(LastLogits(*model, Columns(all, 40, 41)), ContractError)
      << "the model has 40 positions, whatever the cache holds";
}

}  // namespace
}  // namespace kvlab
