// Tests the contract of evicting_cache.h. The second methods are attention over
// plain lists in double (forgetful_model.h) and module 1's CausalAttention.
#include "modules/05_beyond/evicting_cache.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
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

// A sum of a probability for each of at most 700 queries, in float32.
constexpr double kSumTolerance = 1e-4;

// Where two probabilities are closer, rounding may choose another token.
constexpr double kClearChoice = 2e-6;

// What the header allows LossOfEviction.
constexpr double kLossTolerance = 1.0 / (1 << 14);

struct Sizes {
  std::size_t batch = 1;
  std::size_t heads = 1;
  std::size_t kv_heads = 1;
  std::size_t tokens = 1;
  std::size_t head_dim = 4;
};

// A whole sequence of each row.
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

  EvictingLayer Layer(const EvictionBudget& budget) const {
    return EvictingLayer({.batch = sizes.batch,
                          .num_kv_heads = sizes.kv_heads,
                          .head_dim = sizes.head_dim,
                          .budget = budget});
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

std::string BudgetText(const EvictionBudget& budget) {
  return "a budget of " + std::to_string(budget.tokens) + ", " +
         std::to_string(budget.newest) + " of them the newest";
}

// What every head of every row holds is what the model holds, and its slots
// have the keys and values of these tokens.
void ExpectHeld(const EvictingLayer& layer, const Sequence& sequence,
                const PlainRun& right) {
  for (std::size_t b = 0; b < sequence.sizes.batch; ++b) {
    const std::size_t pad =
        sequence.left_pad.empty() ? 0 : sequence.left_pad[b];
    for (std::size_t g = 0; g < sequence.sizes.kv_heads; ++g) {
      const std::string where =
          "row " + std::to_string(b) + ", head " + std::to_string(g);
      const std::vector<PlainHeld>& expected =
          right.held[b * sequence.sizes.kv_heads + g];
      const std::span<const HeldToken> held = layer.Held(b, g);
      ASSERT_EQ(held.size(), expected.size()) << where;
      for (const PlainHeld& token : expected) {
        const auto found =
            std::ranges::find(held, token.position, &HeldToken::position);
        ASSERT_NE(found, held.end())
            << where << " should hold position " << token.position;
        ASSERT_NEAR(found->probability, token.probability,
                    kSumTolerance * std::max(1.0, token.probability))
            << where << ", position " << token.position;
        const auto slot = static_cast<std::size_t>(found - held.begin());
        for (std::size_t d = 0; d < sequence.sizes.head_dim; ++d) {
          const std::size_t column = pad + token.position;
          ASSERT_EQ(layer.Keys()(b, g, slot, d),
                    sequence.all.keys(b, g, column, d))
              << where << ", slot " << slot << ", position " << token.position;
          ASSERT_EQ(layer.Values()(b, g, slot, d),
                    sequence.all.values(b, g, column, d))
              << where << ", slot " << slot << ", position " << token.position;
        }
      }
    }
  }
}

// Gives the layer the sequence in calls of `pieces` tokens, and compares each.
void ExpectEviction(const Sequence& sequence, const EvictionBudget& budget,
                    const std::vector<std::size_t>& pieces,
                    float tolerance = kTolerance) {
  double gap = std::numeric_limits<double>::infinity();
  const PlainRun right =
      RunForgetful(Plain(sequence.all, sequence.left_pad),
                   EvictionRule({budget.tokens, budget.newest}, &gap));
  ASSERT_GT(gap, kClearChoice) << "choose another seed: rounding decides here";
  Tensor4 attended = Tensor4::from_shape(sequence.all.queries.shape());
  std::ranges::copy(right.attended, attended.begin());
  EvictingLayer layer = sequence.Layer(budget);
  std::size_t begin = 0;
  for (const std::size_t piece : pieces) {
    const Tensor4 answer =
        layer.Attend(PartOf(sequence.all, begin, piece), sequence.left_pad);
    ASSERT_TRUE(Near(answer, Part(attended, begin, piece), tolerance))
        << BudgetText(budget) << ", " << piece << " tokens after " << begin
        << " (position 0 of a difference is the first of them)";
    begin += piece;
    ASSERT_EQ(layer.PastLen(), begin) << BudgetText(budget);
  }
  SCOPED_TRACE(BudgetText(budget) + ", after " + std::to_string(begin) +
               " tokens");
  ExpectHeld(layer, sequence, right);
}

TEST(TokenToEvictTest, IsTheLeastAttendedToOfTheOlderByHand) {
  const std::vector<HeldToken> held = {{.position = 0, .probability = 2.0F},
                                       {.position = 1, .probability = 0.5F},
                                       {.position = 2, .probability = 0.7F},
                                       {.position = 3, .probability = 0.1F},
                                       {.position = 4, .probability = 0.2F}};
  EXPECT_EQ(TokenToEvict(held, 1), 3U) << "any may go";
  EXPECT_EQ(TokenToEvict(held, 2), 3U) << "position 4 stays";
  EXPECT_EQ(TokenToEvict(held, 3), 1U) << "positions 3 and 4 stay";
  EXPECT_EQ(TokenToEvict(held, 4), 1U);
  EXPECT_EQ(TokenToEvict(held, 5), 0U) << "only the oldest may go";
}

TEST(TokenToEvictTest, TiesAreDecidedForTheOlder) {
  const std::vector<HeldToken> held = {{.position = 4, .probability = 0.5F},
                                       {.position = 2, .probability = 0.5F},
                                       {.position = 9, .probability = 0.5F},
                                       {.position = 7, .probability = 0.5F}};
  EXPECT_EQ(TokenToEvict(held, 1), 2U) << "of four equal ones, position 9 goes";
  EXPECT_EQ(TokenToEvict(held, 2), 3U) << "position 9 stays, 7 goes";
  EXPECT_EQ(TokenToEvict(held, 3), 0U) << "positions 7 and 9 stay, 4 goes";
  EXPECT_EQ(TokenToEvict(held, 4), 1U);
}

TEST(TokenToEvictTest, TheOrderOfTheSlotsDoesNotMatter) {
  Random random(80);
  for (int round = 0; round < 50; ++round) {
    std::vector<HeldToken> held;
    for (std::size_t i = 0; i < 300; ++i) {
      held.push_back({.position = 3 * i, .probability = random.NextUniform()});
    }
    const std::size_t newest = 1 + random.NextBelow(300);
    const std::size_t position = held[TokenToEvict(held, newest)].position;
    for (std::size_t i = held.size(); i > 1; --i) {
      std::swap(held[i - 1], held[random.NextBelow(i)]);
    }
    ASSERT_EQ(held[TokenToEvict(held, newest)].position, position)
        << "the newest " << newest << " of 300 stay";
  }
}

TEST(TokenToEvictTest, RefusesWhenNoTokenMayGo) {
  const std::vector<HeldToken> held = {{.position = 0, .probability = 1.0F},
                                       {.position = 1, .probability = 0.5F}};
  EXPECT_THROW(TokenToEvict(held, 0), ContractError);
  EXPECT_THROW(TokenToEvict(held, 3), ContractError);
  EXPECT_THROW(TokenToEvict({}, 1), ContractError);
  EXPECT_EQ(TokenToEvict(held, 2), 0U);
}

// Two features, so that a query can ask for one token alone: position 0 has key
// (9, 0) and all others (0, 9); values are 10, 20, 30 ..
TEST(EvictingLayerTest, KeepsWhatIsAttendedToByHand) {
  EvictingLayer layer({.batch = 1,
                       .num_kv_heads = 1,
                       .head_dim = 2,
                       .budget = {.tokens = 3, .newest = 1}});
  for (std::size_t p = 0; p < 6; ++p) {
    Qkv token = {.queries = Tensor4::from_shape({1, 1, 1, 2}),
                 .keys = Tensor4::from_shape({1, 1, 1, 2}),
                 .values = Tensor4::from_shape({1, 1, 1, 2})};
    token.queries.fill(0);
    token.queries(0, 0, 0, 0) = 9;
    token.keys.fill(0);
    token.keys(0, 0, 0, p == 0 ? 0 : 1) = 9;
    token.values.fill(10 * static_cast<float>(p + 1));
    const Tensor4 attended = layer.Attend(token, {});
    EXPECT_NEAR(attended(0, 0, 0, 0), 10.0F, 1e-4F)
        << "every query asks for position 0, here that at " << p;
  }
  // Positions 1 to 5 were hardly attended to. Each came with less of it than
  // the one before, so of 0, 1 and the last the last has to go, each time.
  const std::span<const HeldToken> held = layer.Held(0, 0);
  std::vector<std::size_t> positions;
  for (const HeldToken& token : held) positions.push_back(token.position);
  std::ranges::sort(positions);
  EXPECT_EQ(positions, (std::vector<std::size_t>{0, 1, 5}));
  EXPECT_NEAR(std::ranges::find(held, 0U, &HeldToken::position)->probability,
              6.0F, 1e-4F)
      << "a probability of 1 from each of 6 queries";
}

TEST(EvictingLayerTest, IsAttentionOverTheTokensKept) {
  const Sequence sequence(
      81, {.batch = 2, .heads = 4, .kv_heads = 2, .tokens = 16});
  const std::vector<std::size_t> steps(16, 1);
  ExpectEviction(sequence, {.tokens = 6, .newest = 2}, steps);
  ExpectEviction(sequence, {.tokens = 5, .newest = 4}, steps);
  ExpectEviction(sequence, {.tokens = 3, .newest = 1}, steps);
}

// A budget of 1, of all tokens, of one more and of one fewer; the newest alone.
TEST(EvictingLayerTest, IsAttentionOverTheTokensKeptAtTheEdges) {
  const Sequence sequence(82, {.heads = 2, .kv_heads = 2, .tokens = 9});
  const std::vector<std::size_t> steps(9, 1);
  for (const EvictionBudget& budget :
       std::vector<EvictionBudget>{{.tokens = 1, .newest = 1},
                                   {.tokens = 2, .newest = 1},
                                   {.tokens = 2, .newest = 2},
                                   {.tokens = 8, .newest = 1},
                                   {.tokens = 8, .newest = 7},
                                   {.tokens = 8, .newest = 8},
                                   {.tokens = 9, .newest = 3},
                                   {.tokens = 10, .newest = 10}}) {
    ExpectEviction(sequence, budget, steps);
    ExpectEviction(sequence, budget, {9});
  }
}

TEST(EvictingLayerTest, ABudgetOfAllTokensIsCausalAttention) {
  const Sequence sequence(
      83, {.batch = 2, .heads = 6, .kv_heads = 3, .tokens = 11});
  EvictingLayer layer = sequence.Layer({.tokens = 11, .newest = 2});
  const Tensor4 whole =
      CausalAttention(sequence.all.queries, View(sequence.all.keys),
                      View(sequence.all.values), {});
  EXPECT_TRUE(Near(layer.Attend(sequence.all, {}), whole, kTolerance));
}

TEST(EvictingLayerTest, TheNewestAloneAreAWindow) {
  const Sequence sequence(
      84, {.batch = 2, .heads = 2, .kv_heads = 1, .tokens = 15});
  const PlainRun right =
      RunForgetful(Plain(sequence.all, {}), WindowRule({4, 0}));
  Tensor4 window = Tensor4::from_shape(sequence.all.queries.shape());
  std::ranges::copy(right.attended, window.begin());
  EvictingLayer layer = sequence.Layer({.tokens = 4, .newest = 4});
  EXPECT_TRUE(Near(layer.Attend(sequence.all, {}), window, kTolerance));
}

// Scores of -1,000 beside one of 0: a probability of exactly 0, for all tokens
// but the first.
TEST(EvictingLayerTest, TiesAreDecidedForTheOlder) {
  EvictingLayer layer({.batch = 1,
                       .num_kv_heads = 1,
                       .head_dim = 1,
                       .budget = {.tokens = 5, .newest = 2}});
  for (std::size_t p = 0; p < 12; ++p) {
    Qkv token = {.queries = Tensor4::from_shape({1, 1, 1, 1}),
                 .keys = Tensor4::from_shape({1, 1, 1, 1}),
                 .values = Tensor4::from_shape({1, 1, 1, 1})};
    token.queries.fill(100);
    token.keys.fill(p == 0 ? 0 : -10);
    token.values.fill(static_cast<float>(p));
    layer.Attend(token, {});
  }
  std::vector<std::size_t> positions;
  for (const HeldToken& token : layer.Held(0, 0)) {
    positions.push_back(token.position);
  }
  std::ranges::sort(positions);
  EXPECT_EQ(positions, (std::vector<std::size_t>{0, 1, 2, 10, 11}))
      << "of equal ones the older stay: 1 and 2; and the newest 2";
}

TEST(EvictingLayerTest, CallsMayBeLongerThanTheBudget) {
  const Sequence sequence(
      85, {.batch = 2, .heads = 2, .kv_heads = 1, .tokens = 24});
  for (const EvictionBudget& budget :
       std::vector<EvictionBudget>{{.tokens = 4, .newest = 2},
                                   {.tokens = 1, .newest = 1},
                                   {.tokens = 7, .newest = 1}}) {
    ExpectEviction(sequence, budget, {24});
    ExpectEviction(sequence, budget, {9, 1, 1, 13});
    ExpectEviction(sequence, budget, {2, 0, 1, 21});
  }
}

TEST(EvictingLayerTest, ARowHoldsWhatItWouldHoldAlone) {
  Sequence sequence(86, {.batch = 4, .heads = 4, .kv_heads = 2, .tokens = 15});
  sequence.left_pad = {3, 0, 9, 15};  // the last has no token at all
  for (const EvictionBudget& budget : std::vector<EvictionBudget>{
           {.tokens = 5, .newest = 2}, {.tokens = 3, .newest = 3}}) {
    ExpectEviction(sequence, budget, {15});
    ExpectEviction(sequence, budget, {6, 1, 1, 5, 2});
    ExpectEviction(sequence, budget, std::vector<std::size_t>(15, 1));
  }
}

TEST(EvictingLayerTest, EachHeadChoosesItsOwnTokens) {
  Sequence sequence(87, {.heads = 2, .kv_heads = 2, .tokens = 10});
  EvictingLayer layer = sequence.Layer({.tokens = 4, .newest = 1});
  layer.Attend(sequence.all, {});
  std::vector<std::vector<std::size_t>> kept(2);
  for (const std::size_t g : {0, 1}) {
    for (const HeldToken& token : layer.Held(0, g)) {
      kept[g].push_back(token.position);
    }
    std::ranges::sort(kept[g]);
  }
  EXPECT_NE(kept[0], kept[1]) << "two heads with other queries and keys";
  ExpectEviction(sequence, {.tokens = 4, .newest = 1}, {10});
}

TEST(EvictingLayerTest, ProbabilitiesOfAllQueriesOfAHeadAreAdded) {
  // 3 query heads on one: each token gives away 3 in all, at every position.
  const Sequence sequence(88, {.heads = 3, .kv_heads = 1, .tokens = 7});
  EvictingLayer layer = sequence.Layer({.tokens = 7, .newest = 1});
  for (std::size_t p = 0; p < 7; ++p) {
    layer.Attend(PartOf(sequence.all, p, 1), {});
    double sum = 0;
    for (const HeldToken& token : layer.Held(0, 0)) sum += token.probability;
    EXPECT_NEAR(sum, 3.0 * static_cast<double>(p + 1), kSumTolerance)
        << "3 heads and " << p + 1 << " queries, each of which gives away 1";
  }
}

// A sequence whose rows have no padding, hundreds of columns of it, and numbers
// between. Of more than 8 rows most have little but padding.
Sequence Padded(std::uint64_t seed, const Sizes& sizes) {
  Sequence sequence(seed, sizes);
  // Queries of size 4 over hundreds of features would see one key alone.
  if (sizes.head_dim > 64) {
    for (float& query : sequence.all.queries) query /= 8;
  }
  const std::size_t few = std::min<std::size_t>(sizes.tokens, 9);
  for (std::size_t b = 0; b < sizes.batch; ++b) {
    sequence.left_pad.push_back(b % 64 == 0 ? 0
                                : b < 8     ? b * 283 % sizes.tokens
                                            : sizes.tokens - b % few);
  }
  return sequence;
}

struct LargeCase {
  Sizes sizes;
  EvictionBudget budget;
};

// In two calls, the second of which sees the tokens of the first.
void ExpectEviction(std::uint64_t seed, const std::vector<LargeCase>& cases) {
  for (const auto& [sizes, budget] : cases) {
    SCOPED_TRACE(std::to_string(sizes.batch) + " rows, " +
                 std::to_string(sizes.heads) + " heads on " +
                 std::to_string(sizes.kv_heads) + " of " +
                 std::to_string(sizes.head_dim) + ", " +
                 std::to_string(sizes.tokens) + " tokens");
    const std::size_t last = sizes.tokens > 500 ? 270 : sizes.tokens / 3;
    ASSERT_NO_FATAL_FAILURE(ExpectEviction(Padded(seed, sizes), budget,
                                           {sizes.tokens - last, last}, 1e-4F));
  }
}

TEST(EvictingLayerTest, AnySizeMayBeHundreds) {
  const Sizes few = {
      .batch = 3, .heads = 4, .kv_heads = 2, .tokens = 9, .head_dim = 3};
  std::vector<LargeCase> cases(6, {few, {.tokens = 4, .newest = 2}});
  cases[0].sizes.tokens = 560;
  cases[0].budget = {.tokens = 290, .newest = 30};
  cases[1].sizes.tokens = 560;
  cases[2].sizes.batch = 270;
  cases[3].sizes.heads = 2 * (cases[3].sizes.kv_heads = 270);
  cases[4].sizes.heads = 2 * 265;
  cases[5].sizes.head_dim = 265;
  ExpectEviction(90, cases);
}

// Not rows and heads: an answer may have a thread for each head of each row.
TEST(EvictingLayerTest, TwoSizesMayBeHundreds) {
  const EvictionBudget narrow = {.tokens = 3, .newest = 2};
  const EvictionBudget wide = {.tokens = 262, .newest = 260};
  const auto many = [](std::size_t batch, std::size_t heads,
                       std::size_t tokens) {
    return Sizes{
        .batch = batch, .heads = heads, .tokens = tokens, .head_dim = 2};
  };
  std::vector<LargeCase> cases = {
      {many(270, 1, 270), wide}, {many(270, 1, 300), narrow},
      {many(1, 260, 264), wide}, {many(1, 260, 280), narrow},
      {many(2, 2, 270), wide},   {many(2, 2, 300), narrow},
      {many(260, 2, 5), narrow}, {many(2, 260, 5), narrow},
      {many(9, 260, 4), narrow}};
  for (std::size_t i = 4; i < 8; ++i) cases[i].sizes.head_dim = 260;
  // The same with a key/value head for each query head.
  for (const std::size_t i : {2, 3, 7, 8}) {
    cases.push_back(cases[i]);
    cases.back().sizes.kv_heads = 260;
  }
  ExpectEviction(91, cases);
}

TEST(EvictingLayerTest, BytesAreTheSameFromTheFirstTokenOn) {
  const Sequence sequence(
      95, {.batch = 2, .heads = 6, .kv_heads = 3, .tokens = 60});
  EvictingLayer layer = sequence.Layer({.tokens = 8, .newest = 3});
  const std::uint64_t bytes = 2ULL * 2 * 3 * 8 * 4 * sizeof(float);
  EXPECT_EQ(layer.Bytes(), bytes);
  layer.Attend(PartOf(sequence.all, 0, 50), {});
  for (std::size_t p = 50; p < 60; ++p) {
    layer.Attend(PartOf(sequence.all, p, 1), {});
    for (std::size_t b = 0; b < 2; ++b) {
      for (std::size_t g = 0; g < 3; ++g) {
        ASSERT_EQ(layer.Held(b, g).size(), 8U) << "after " << p << " tokens";
      }
    }
  }
  EXPECT_EQ(layer.Bytes(), bytes) << "after 60 tokens";
  EXPECT_EQ(layer.Keys().shape(2), 8U);
}

TEST(EvictingLayerTest, AStepAllocatesTheSameAfterAnyNumberOfTokens) {
  const Sequence sequence(
      96, {.batch = 2, .heads = 2, .kv_heads = 1, .tokens = 640});
  EvictingLayer layer = sequence.Layer({.tokens = 9, .newest = 4});
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

TEST(EvictingLayerTest, AStepCountsTheWorkOfItsBudget) {
  const Sequence sequence(
      97, {.batch = 2, .heads = 4, .kv_heads = 2, .tokens = 100});
  EvictingLayer layer = sequence.Layer({.tokens = 10, .newest = 3});
  const auto work = [&](std::size_t begin, std::size_t count) {
    const Qkv tokens = PartOf(sequence.all, begin, count);
    const WorkCounts before = CountedWork();
    layer.Attend(tokens, {});
    const WorkCounts counted = CountedWork() - before;
    EXPECT_EQ(counted.Total(), counted[Work::kAttention]);
    return counted[Work::kAttention];
  };
  const std::uint64_t pair = 2ULL * 4 * 2 * 4;  // rows, heads, products, D
  EXPECT_EQ(work(0, 5), pair * (1 + 2 + 3 + 4 + 5));
  work(5, 94);
  EXPECT_EQ(work(99, 1), pair * 10) << "99 tokens before it";
}

TEST(EvictingLayerTest, AfterResetTheNextTokenIsTheFirst) {
  const Sequence earlier(98,
                         {.batch = 2, .heads = 2, .kv_heads = 1, .tokens = 8});
  const Sequence sequence(99,
                          {.batch = 2, .heads = 2, .kv_heads = 1, .tokens = 8});
  const EvictionBudget budget = {.tokens = 4, .newest = 2};
  EvictingLayer layer = sequence.Layer(budget);
  layer.Attend(earlier.all, {});
  layer.Reset();
  EXPECT_EQ(layer.PastLen(), 0U);
  EvictingLayer fresh = sequence.Layer(budget);
  EXPECT_EQ(layer.Attend(sequence.all, {}), fresh.Attend(sequence.all, {}));
}

TEST(EvictingLayerTest, RefusesWhatDoesNotFitAndStaysAsItWas) {
  Sequence sequence(100, {.batch = 2, .heads = 4, .kv_heads = 2, .tokens = 8});
  const EvictionBudget budget = {.tokens = 4, .newest = 2};
  EvictingLayer layer = sequence.Layer(budget);
  EvictingLayer untouched = sequence.Layer(budget);
  for (EvictingLayer* each : {&layer, &untouched}) {
    each->Attend(PartOf(sequence.all, 0, 5), {});
  }
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
  EXPECT_EQ(layer.Attend(right, {}), untouched.Attend(right, {}));
}

// --- in a model ---

constexpr Gpt2Config kConfig = {.num_layers = 3,
                                .num_heads = 2,
                                .d_model = 16,
                                .d_mlp = 64,
                                .max_positions = 40,
                                .vocab_size = 50};

std::shared_ptr<const Gpt2Weights> Weights() {
  Random random(101);
  return std::make_shared<Gpt2Weights>(RandomGpt2Weights(random, kConfig));
}

TEST(EvictingAttentionTest, TokensKeepTheirOwnLearnedPositions) {
  const EvictionBudget budget = {.tokens = 6, .newest = 2};
  Random random(102);
  TokenBatch all = {.ids = Tokens::from_shape({3, 25}), .left_pad = {0, 9, 3}};
  std::ranges::copy(RandomTokens(random, 75, kConfig.vocab_size),
                    all.ids.begin());
  Gpt2 model(Weights());
  const EvictingLayer layer(
      {.batch = 3, .num_kv_heads = 2, .head_dim = 8, .budget = budget});
  model.ReplaceAttention(std::make_unique<EvictingAttention>(
      2, std::vector<EvictingLayer>(3, layer)));
  Gpt2 recomputed(Weights());
  recomputed.ReplaceAttention(std::make_unique<RecomputedAttention>(
      2, EvictionRule({budget.tokens, budget.newest})));
  std::size_t begin = 0;
  for (const std::size_t piece : {10, 1, 1, 7, 1, 1, 1, 3}) {
    const Tensor3 logits = model.Forward(Columns(all, begin, begin + piece),
                                         LogitsFor::kLastPosition);
    begin += piece;
    // Logits of size 1 to 10 after three layers.
    ASSERT_TRUE(Near(
        logits,
        recomputed.Forward(Columns(all, 0, begin), LogitsFor::kLastPosition),
        2e-4F))
        << "after " << begin << " tokens";
    ASSERT_EQ(model.CurrentAttention().PastLen(), begin);
  }
}

// --- what is lost ---

// Random keys and values, and a query; `scale` spreads the scores.
struct OneHead {
  struct Sizes {
    std::size_t tokens = 0;
    std::size_t head_dim = 0;
  };
  OneHead(std::uint64_t seed, const Sizes& sizes, float scale = 3) {
    const auto [tokens, head_dim] = sizes;
    Random random(seed);
    query = RandomTensor1(random, head_dim);
    for (float& feature : query) feature *= scale;
    keys = RandomTensor2(random, {tokens, head_dim});
    values = RandomTensor2(random, {tokens, head_dim});
  }

  QueryOfAll All() const {
    return {.query = {query.data(), query.size()},
            .keys = Rows(keys),
            .values = Rows(values)};
  }

  // The probability of each key, in double; of those in `rows` alone.
  std::vector<double> Probabilities(std::span<const std::size_t> rows) const {
    std::vector<double> weights(keys.shape(0), 0);
    double max = -std::numeric_limits<double>::infinity();
    for (const std::size_t s : rows) {
      for (std::size_t d = 0; d < query.size(); ++d) {
        weights[s] += double{query(d)} * double{keys(s, d)};
      }
      weights[s] /= std::sqrt(static_cast<double>(query.size()));
      max = std::max(max, weights[s]);
    }
    double sum = 0;
    for (const std::size_t s : rows) sum += std::exp(weights[s] - max);
    for (const std::size_t s : rows) {
      weights[s] = std::exp(weights[s] - max) / sum;
    }
    return weights;
  }

  // softmax(q k^T / sqrt(D)) v over these rows.
  std::vector<double> Attention(std::span<const std::size_t> rows) const {
    const std::vector<double> probabilities = Probabilities(rows);
    std::vector<double> attended(query.size(), 0);
    for (const std::size_t s : rows) {
      for (std::size_t d = 0; d < query.size(); ++d) {
        attended[d] += probabilities[s] * double{values(s, d)};
      }
    }
    return attended;
  }

  std::vector<std::size_t> AllRows() const {
    std::vector<std::size_t> rows(keys.shape(0));
    for (std::size_t s = 0; s < rows.size(); ++s) rows[s] = s;
    return rows;
  }

  Tensor1 query;
  Tensor2 keys;
  Tensor2 values;
};

// Holds the loss to the identity, and the bound to what is lost.
void ExpectLoss(const OneHead& head, const std::vector<std::size_t>& kept) {
  const std::vector<std::size_t> rows = head.AllRows();
  const std::vector<double> probabilities = head.Probabilities(rows);
  double mass = 0;
  double largest = 0;
  for (const std::size_t s : rows) {
    if (std::ranges::count(kept, s) == 0) mass += probabilities[s];
    double square = 0;
    for (std::size_t d = 0; d < head.query.size(); ++d) {
      square += double{head.values(s, d)} * double{head.values(s, d)};
    }
    largest = std::max(largest, std::sqrt(square));
  }
  const EvictionLoss loss = LossOfEviction(head.All(), kept);
  ASSERT_NEAR(loss.mass, mass, mass * kLossTolerance);
  ASSERT_NEAR(loss.bound, 2 * mass * largest,
              2 * mass * largest * kLossTolerance);
  ASSERT_EQ(loss.mean.size(), head.query.size());
  const std::vector<double> exact = head.Attention(rows);
  const std::vector<double> after = head.Attention(kept);
  double distance = 0;
  for (std::size_t d = 0; d < exact.size(); ++d) {
    // Rounding of `mean`, which is in float32, and what the header allows it.
    ASSERT_NEAR(exact[d] - after[d],
                loss.mass * (double{loss.mean(d)} - after[d]),
                loss.mass * largest * kLossTolerance + 1e-15)
        << "feature " << d << ": o - o' = mass (mean - o')";
    distance += (exact[d] - after[d]) * (exact[d] - after[d]);
  }
  ASSERT_LE(std::sqrt(distance), loss.bound * (1 + 1e-6) + 1e-15);
}

TEST(LossOfEvictionTest, GivesMassMeanAndBoundByHand) {
  OneHead head(110, {3, 1});
  head.query = {1.0F};
  head.keys = {
      {0.0F}, {std::log(2.0F)}, {0.0F}};  // probabilities 1/4, 1/2, 1/4
  head.values = {{8.0F}, {-4.0F}, {2.0F}};
  const std::vector<std::size_t> kept = {2};
  const EvictionLoss loss = LossOfEviction(head.All(), kept);
  EXPECT_NEAR(loss.mass, 0.75, 1e-6);
  EXPECT_NEAR(loss.mean(0), 0.0F, 1e-5F) << "(8 / 4 - 4 / 2) / (3 / 4)";
  EXPECT_NEAR(loss.bound, 2 * 0.75 * 8, 1e-5) << "the largest |v| is 8";
}

TEST(LossOfEvictionTest, IsTheDifferenceThatItMakes) {
  Random random(111);
  for (int round = 0; round < 60; ++round) {
    const OneHead head(112 + round,
                       {2 + random.NextBelow(40), 1 + random.NextBelow(9)});
    std::vector<std::size_t> kept;
    for (const std::size_t s : head.AllRows()) {
      if (random.NextBelow(3) != 0) kept.push_back(s);
    }
    std::ranges::reverse(kept);  // in any order
    SCOPED_TRACE("round " + std::to_string(round) + ": " +
                 std::to_string(kept.size()) + " of " +
                 std::to_string(head.keys.shape(0)) + " kept");
    ASSERT_NO_FATAL_FAILURE(ExpectLoss(head, kept));
  }
}

TEST(LossOfEvictionTest, IsTheDifferenceThatItMakesForHundreds) {
  const OneHead many(180, {700, 3});
  std::vector<std::size_t> kept;
  for (std::size_t s = 1; s < 700; s += 2) kept.push_back(s);
  ExpectLoss(many, kept);
  const OneHead wide(181, {20, 270}, 0.5F);
  ExpectLoss(wide, {3, 19, 0});
}

TEST(LossOfEvictionTest, NothingDroppedIsNothingLost) {
  const OneHead head(182, {9, 4});
  const EvictionLoss loss = LossOfEviction(head.All(), head.AllRows());
  EXPECT_EQ(loss.mass, 0);
  EXPECT_EQ(loss.bound, 0);
  for (std::size_t d = 0; d < 4; ++d) EXPECT_EQ(loss.mean(d), 0.0F);
}

TEST(LossOfEvictionTest, NothingKeptIsAllLost) {
  const OneHead head(183, {9, 4});
  const EvictionLoss loss = LossOfEviction(head.All(), {});
  EXPECT_NEAR(loss.mass, 1, 1e-12);
  ExpectLoss(head, {});
}

// What is dropped all points one way and what is kept the other way.
TEST(LossOfEvictionTest, TheBoundIsReachedByOppositeValues) {
  OneHead head(184, {8, 3});
  for (std::size_t s = 0; s < 8; ++s) {
    for (std::size_t d = 0; d < 3; ++d) {
      head.values(s, d) = (s < 5 ? 1.0F : -1.0F) * static_cast<float>(d + 1);
    }
  }
  const std::vector<std::size_t> kept = {5, 6, 7};
  ExpectLoss(head, kept);
  const std::vector<double> exact = head.Attention(head.AllRows());
  const std::vector<double> after = head.Attention(kept);
  double square = 0;
  for (std::size_t d = 0; d < 3; ++d) {
    square += (exact[d] - after[d]) * (exact[d] - after[d]);
  }
  const double bound = LossOfEviction(head.All(), kept).bound;
  EXPECT_NEAR(std::sqrt(square), bound, bound * kLossTolerance)
      << "a smaller bound would be wrong here";
}

// The largest value may be among the dropped tokens or among those kept.
TEST(LossOfEvictionTest, TheBoundIsThatOfTheLargestValueOfAll) {
  for (const std::size_t large : {0, 4}) {
    OneHead head(185, {5, 2});
    head.values(large, 1) = 300;
    ExpectLoss(head, {0, 1});
  }
}

TEST(LossOfEvictionTest, ATinyMassHasItsDigits) {
  OneHead head(186, {6, 1});
  head.query = {1.0F};
  // The dropped scores are 40 below the others: e^-40 is 4e-18.
  for (std::size_t s = 0; s < 6; ++s) {
    head.keys(s, 0) = (s < 3 ? 40.0F : 0.0F) + 0.25F * static_cast<float>(s);
  }
  const EvictionLoss loss =
      LossOfEviction(head.All(), std::vector<std::size_t>{0, 1, 2});
  EXPECT_GT(loss.mass, 1e-18);
  EXPECT_LT(loss.mass, 1e-16);
  ExpectLoss(head, {0, 1, 2});
}

TEST(LossOfEvictionTest, LargeScoresGiveNumbers) {
  OneHead head(187, {6, 1});
  head.query = {1.0F};
  for (const float size : {3000.0F, -3000.0F}) {
    for (std::size_t s = 0; s < 6; ++s) {
      head.keys(s, 0) = size + static_cast<float>(s);
    }
    ExpectLoss(head, {4, 1});
  }
  for (std::size_t s = 0; s < 6; ++s) head.keys(s, 0) = s < 3 ? 3000.0F : 0.0F;
  const EvictionLoss loss =
      LossOfEviction(head.All(), std::vector<std::size_t>{0, 1, 2});
  EXPECT_EQ(loss.mass, 0) << "e^-3000 is below what a double holds";
  EXPECT_EQ(loss.mean(0), 0.0F);
}

TEST(LossOfEvictionTest, RefusesWhatDoesNotFit) {
  const OneHead head(188, {6, 3});
  const std::vector<std::size_t> beyond = {1, 6};
  const std::vector<std::size_t> twice = {2, 4, 2};
  EXPECT_THROW(LossOfEviction(head.All(), beyond), ContractError);
  EXPECT_THROW(LossOfEviction(head.All(), twice), ContractError);
  QueryOfAll wrong = head.All();
  wrong.values.rows = 5;
  EXPECT_THROW(LossOfEviction(wrong, {}), ContractError);
  wrong = head.All();
  wrong.query = wrong.query.first(2);
  EXPECT_THROW(LossOfEviction(wrong, {}), ContractError);
  wrong = head.All();
  wrong.keys.rows = wrong.values.rows = 0;
  EXPECT_THROW(LossOfEviction(wrong, {}), ContractError);
  ExpectLoss(head, {2, 4});
}

}  // namespace
}  // namespace kvlab
