// Tests the contract of quantized_cache.h. The second methods are ranges and
// errors computed in double, and module 1's attention over what is held.
#include "modules/05_beyond/quantized_cache.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"
#include "modules/01_attention/attention.h"
#include "modules/03_memoization/allocation_counter.h"

namespace kvlab {
namespace {

// Exponentials of 1e-6, and sums of at most 300 terms in another order.
constexpr float kTolerance = 2e-5F;

// --- one range ---

float RoundTrip(float number, const CodeRange& range) {
  return Decode(Encode(number, range), range);
}

TEST(FitRangeTest, Code0IsTheSmallestNumberAndCode255TheLargest) {
  const std::vector<float> numbers = {3.0F, -2.0F, 49.0F, 7.0F};
  const CodeRange range = FitRange(numbers);
  EXPECT_EQ(range.zero, -2.0F);
  EXPECT_NEAR(range.scale, 0.2F, 1e-7F);  // 51 / 255
  EXPECT_NEAR(Decode(255, range), 49.0F, 1e-5F);
}

TEST(FitRangeTest, EqualNumbersHaveScale0) {
  for (const std::size_t count : {1, 2, 300}) {
    const std::vector<float> numbers(count, -7.25F);
    const CodeRange range = FitRange(numbers);
    EXPECT_EQ(range.zero, -7.25F) << count << " numbers";
    EXPECT_EQ(range.scale, 0.0F) << count << " numbers";
    EXPECT_EQ(RoundTrip(-7.25F, range), -7.25F) << count << " numbers";
  }
}

TEST(FitRangeTest, TinyAndHugeNumbersHaveScalesOfTheirSize) {
  for (const float size : {0x1p-100F, 1e-12F, 1e12F, 0x1p+100F}) {
    const std::vector<float> numbers = {size, -size / 2, size / 4};
    EXPECT_NEAR(FitRange(numbers).scale / size, 1.5F / 255, 1e-8F)
        << "numbers of size " << size;
  }
}

TEST(FitRangeTest, NoNumbersAreRefused) {
  EXPECT_THROW(FitRange({}), ContractError);
  const std::vector<float> one = {2.0F};
  EXPECT_EQ(FitRange(one).zero, 2.0F);
}

TEST(EncodeTest, IsTheNearestCodeByHand) {
  const CodeRange range = {.zero = 10.0F, .scale = 2.0F};
  EXPECT_EQ(Encode(10.0F, range), 0);
  EXPECT_EQ(Encode(10.9F, range), 0);
  EXPECT_EQ(Encode(11.1F, range), 1) << "11.1 is nearer to 12 than to 10";
  EXPECT_EQ(Encode(13.1F, range), 2);
  EXPECT_EQ(Encode(519.1F, range), 255);
  EXPECT_EQ(Encode(520.0F, range), 255);
}

TEST(EncodeTest, NumbersOutsideTheRangeHaveTheOutermostCodes) {
  const CodeRange range = {.zero = -1.0F, .scale = 0.5F};
  EXPECT_EQ(Encode(-1.4F, range), 0);
  EXPECT_EQ(Encode(-1e6F, range), 0);
  EXPECT_EQ(Encode(127.0F, range), 255);
  EXPECT_EQ(Encode(1e9F, range), 255);
  EXPECT_EQ(Encode(3.0F, {.zero = 5.0F, .scale = 0.0F}), 0);
}

// Of every size that the header allows, around 0 and far from it.
TEST(EncodeTest, ANumberWithinTheRangeIsOffByAtMostHalfAScale) {
  Random random(40);
  for (const double size : {1.0, 1e-3, 0x1p-100, 0x1p+90, 300.0}) {
    for (const double offset : {0.0, 1.0, -20.0, 1000.0}) {
      std::vector<float> numbers;
      numbers.reserve(200);
      for (int i = 0; i < 200; ++i) {
        numbers.push_back(static_cast<float>(
            size * (offset + double{random.NextUniform(-1, 1)})));
      }
      const CodeRange range = FitRange(numbers);
      const double rounding = size * (std::abs(offset) + 1) * 0x1p-23;
      for (const float number : numbers) {
        ASSERT_NEAR(RoundTrip(number, range), number,
                    double{range.scale} / 2 + rounding)
            << "numbers of size " << size << " around " << offset * size;
      }
    }
  }
}

// --- bytes ---

TEST(QuantizedBytesTest, AreTheBytesOfCodesRangesAndTheTail) {
  // 3 of 4 groups become full: 15 tokens, groups of 4, 2 features.
  const std::uint64_t keys = 3 * 4 * 2 + 3 * 2 * 8 + 4 * 2 * 4;
  const std::uint64_t values = 15 * 2 + 15 * 8;
  EXPECT_EQ(QuantizedBytes({.batch = 1,
                            .max_seq_len = 15,
                            .num_kv_heads = 1,
                            .head_dim = 2,
                            .group = 4}),
            keys + values);
  EXPECT_EQ(QuantizedBytes({.batch = 3,
                            .max_seq_len = 15,
                            .num_kv_heads = 5,
                            .head_dim = 2,
                            .group = 4}),
            3 * 5 * (keys + values));
  EXPECT_EQ(QuantizedBytes({.batch = 300,
                            .max_seq_len = 15,
                            .num_kv_heads = 270,
                            .head_dim = 2,
                            .group = 4}),
            300 * 270 * (keys + values));
}

TEST(QuantizedBytesTest, HundredsOfTokensInAGroupAndOfFeatures) {
  // 2 groups of 300 of the 700 tokens become full.
  const std::uint64_t keys =
      2 * 300 * 270 + 2 * 270 * 8 + std::uint64_t{300} * 270 * 4;
  const std::uint64_t values = 700 * 270 + 700 * 8;
  EXPECT_EQ(QuantizedBytes({.batch = 1,
                            .max_seq_len = 700,
                            .num_kv_heads = 1,
                            .head_dim = 270,
                            .group = 300}),
            keys + values);
}

TEST(QuantizedBytesTest, HundredsOfEverythingAtOnce) {
  const std::uint64_t heads = 300 * 270;
  // 370 groups of 270 become full.
  EXPECT_EQ(QuantizedBytes({.batch = 300,
                            .max_seq_len = 100'000,
                            .num_kv_heads = 270,
                            .head_dim = 280,
                            .group = 270}),
            heads * (370 * (270 * 280 + 280 * 8) + 270 * 280 * 4 +
                     100'000 * (280 + 8)));
  // None does.
  EXPECT_EQ(QuantizedBytes({.batch = 300,
                            .max_seq_len = 600,
                            .num_kv_heads = 270,
                            .head_dim = 280,
                            .group = 900}),
            heads * (600 * 280 * 4 + 600 * (280 + 8)));
}

TEST(QuantizedBytesTest, AGroupThatCannotBecomeFullHasOnlyATail) {
  for (const std::size_t group : {8, 9, 1000}) {
    EXPECT_EQ(QuantizedBytes({.batch = 1,
                              .max_seq_len = 7,
                              .num_kv_heads = 1,
                              .head_dim = 3,
                              .group = group}),
              7U * 3 * 4 + 7 * 3 + 7 * 8)
        << "groups of " << group << " in a cache of 7 tokens";
  }
}

TEST(QuantizedBytesTest, AreLittleMoreThanAQuarterOfFloat32InALongCache) {
  const std::uint64_t bytes = QuantizedBytes({.batch = 2,
                                              .max_seq_len = 100'000,
                                              .num_kv_heads = 300,
                                              .head_dim = 64,
                                              .group = 64});
  const std::uint64_t full = std::uint64_t{2} * 2 * 300 * 100'000 * 64 * 4;
  EXPECT_GT(bytes, full / 4);
  EXPECT_LT(bytes, full / 4 + full / 30);
}

TEST(QuantizedBytesTest, RefusesASizeOf0) {
  const QuantizedShape shape = {.batch = 2,
                                .max_seq_len = 3,
                                .num_kv_heads = 4,
                                .head_dim = 5,
                                .group = 6};
  EXPECT_EQ(QuantizedBytes(shape), 2U * 4 * (3 * 5 * 4 + 3 * 5 + 3 * 8));
  QuantizedShape wrong = shape;
  wrong.group = 0;
  EXPECT_THROW(QuantizedBytes(wrong), ContractError);
  wrong = shape;
  wrong.head_dim = 0;
  EXPECT_THROW(QuantizedBytes(wrong), ContractError);
}

// --- what is held ---

double ScaleOf(const std::vector<double>& numbers) {
  const auto [low, high] = std::ranges::minmax(numbers);
  return (high - low) / 255;
}

// Keys and values for a cache, all of them different: each channel, head and
// row has a level and a spread of its own.
struct Held {
  explicit Held(const QuantizedShape& shape, std::uint64_t seed = 41)
      : shape(shape) {
    Random random(seed);
    const std::array<std::size_t, 4> sizes = {
        shape.batch, shape.num_kv_heads, shape.max_seq_len, shape.head_dim};
    keys = RandomTensor4(random, sizes);
    values = RandomTensor4(random, sizes);
    for (std::size_t b = 0; b < shape.batch; ++b) {
      for (std::size_t g = 0; g < shape.num_kv_heads; ++g) {
        for (std::size_t d = 0; d < shape.head_dim; ++d) {
          const auto level = static_cast<float>((b + 2 * g + 3 * d) % 7) - 3;
          const auto spread = static_cast<float>(1 + (d + g) % 3);
          for (std::size_t s = 0; s < shape.max_seq_len; ++s) {
            keys(b, g, s, d) = level + spread * keys(b, g, s, d);
          }
        }
      }
    }
  }

  // A cache that got the first tokens in calls of these lengths.
  QuantizedLayerCache After(const std::vector<std::size_t>& lengths) const {
    QuantizedLayerCache cache(shape);
    for (const std::size_t length : lengths) {
      const std::size_t begin = cache.PastLen();
      cache.Append(Part(keys, begin, length), Part(values, begin, length));
    }
    return cache;
  }

  // The scale of channel d over the group that begins with token `first`.
  double KeyScale(const HeadOfCache& head, std::size_t first,
                  std::size_t d) const {
    std::vector<double> channel;
    for (std::size_t s = first; s < first + shape.group; ++s) {
      channel.push_back(keys(head.row, head.kv_head, s, d));
    }
    return ScaleOf(channel);
  }
  // The scale of a token's values.
  double ValueScale(const HeadOfCache& head, std::size_t s) const {
    std::vector<double> token;
    for (std::size_t d = 0; d < shape.head_dim; ++d) {
      token.push_back(values(head.row, head.kv_head, s, d));
    }
    return ScaleOf(token);
  }

  QuantizedShape shape;
  Tensor4 keys;    // [B, G, max_seq_len, D]
  Tensor4 values;  // the same
};

struct KeysAndValues {
  Tensor4 keys;
  Tensor4 values;
};

KeysAndValues Decoded(const QuantizedLayerCache& cache) {
  const QuantizedShape& shape = cache.Shape();
  KeysAndValues held;
  held.keys = Tensor4::from_shape(
      {shape.batch, shape.num_kv_heads, cache.PastLen(), shape.head_dim});
  held.values = held.keys;
  for (std::size_t b = 0; b < shape.batch; ++b) {
    for (std::size_t g = 0; g < shape.num_kv_heads; ++g) {
      cache.DecodeKeys({.row = b, .kv_head = g}, 0,
                       HeadMatrix(held.keys, b, g));
      cache.DecodeValues({.row = b, .kv_head = g}, 0,
                         HeadMatrix(held.values, b, g));
    }
  }
  return held;
}

// How far any number is from what was appended, in scales that follow from
// what was appended: of keys per channel and group, of values per token.
void ExpectWithinHalfAScale(const Held& held,
                            const QuantizedLayerCache& cache) {
  const KeysAndValues decoded = Decoded(cache);
  const QuantizedShape& shape = held.shape;
  const auto near = [](float actual, float expected, double scale) {
    return std::abs(double{actual} - double{expected}) <=
           scale / 2 * (1 + 0x1p-12) + std::abs(expected) * 0x1p-22;
  };
  for (std::size_t b = 0; b < shape.batch; ++b) {
    for (std::size_t g = 0; g < shape.num_kv_heads; ++g) {
      std::vector<double> scales(shape.head_dim, 0);  // of a group's channels
      for (std::size_t s = 0; s < cache.PastLen(); ++s) {
        if (s % shape.group == 0) {
          const bool coded = s + shape.group <= cache.PastLen();
          for (std::size_t d = 0; d < shape.head_dim; ++d) {
            scales[d] =
                coded ? held.KeyScale({.row = b, .kv_head = g}, s, d) : 0;
          }
        }
        const double scale = held.ValueScale({.row = b, .kv_head = g}, s);
        for (std::size_t d = 0; d < shape.head_dim; ++d) {
          ASSERT_TRUE(
              near(decoded.keys(b, g, s, d), held.keys(b, g, s, d), scales[d]))
              << "key of row " << b << ", head " << g << ", token " << s
              << ", channel " << d << ": " << decoded.keys(b, g, s, d)
              << " is held for " << held.keys(b, g, s, d);
          ASSERT_TRUE(
              near(decoded.values(b, g, s, d), held.values(b, g, s, d), scale))
              << "value of row " << b << ", head " << g << ", token " << s
              << ", feature " << d << ": " << decoded.values(b, g, s, d)
              << " is held for " << held.values(b, g, s, d);
        }
      }
    }
  }
}

constexpr QuantizedShape kShape = {.batch = 3,
                                   .max_seq_len = 14,
                                   .num_kv_heads = 2,
                                   .head_dim = 5,
                                   .group = 4};

// For the trace of a failure.
std::string SizesOf(const QuantizedShape& shape) {
  return std::to_string(shape.batch) + " rows, " +
         std::to_string(shape.num_kv_heads) + " heads, " +
         std::to_string(shape.max_seq_len) + " tokens in groups of " +
         std::to_string(shape.group) + ", head_dim " +
         std::to_string(shape.head_dim);
}

TEST(QuantizedLayerCacheTest, EachRowAndHeadHasRangesOfItsOwn) {
  const Held held(kShape);
  ExpectWithinHalfAScale(held, held.After({12}));
}

TEST(QuantizedLayerCacheTest, KeysStayFloat32UntilTheirGroupIsFull) {
  const Held held(kShape);
  QuantizedLayerCache cache(kShape);
  for (std::size_t s = 0; s < 14; ++s) {
    cache.Append(Part(held.keys, s, 1), Part(held.values, s, 1));
    const Tensor4 keys = Decoded(cache).keys;
    const std::size_t coded = (s + 1) / 4 * 4;
    ASSERT_EQ(cache.CodedLen(), coded);
    for (std::size_t t = 0; t <= s; ++t) {
      for (std::size_t d = 0; t >= coded && d < 5; ++d) {
        ASSERT_EQ(keys(2, 1, t, d), held.keys(2, 1, t, d))
            << "token " << t << " of " << s + 1 << ", in groups of 4";
      }
    }
    ASSERT_EQ(coded > 0, !Near(keys, Part(held.keys, 0, s + 1), 0.0F))
        << "after " << s + 1 << " tokens " << coded << " have codes";
    ExpectWithinHalfAScale(held, cache);
  }
}

// One channel of the keys is a thousand times as large as the others: it must
// not cost the others their digits.
TEST(QuantizedLayerCacheTest, ALargeChannelOfTheKeysLeavesTheOthersExact) {
  Held held(kShape);
  for (std::size_t s = 0; s < 14; ++s) held.keys(1, 1, s, 2) *= 1000;
  const QuantizedLayerCache cache = held.After({13});
  ExpectWithinHalfAScale(held, cache);
  const Tensor4 keys = Decoded(cache).keys;
  for (std::size_t s = 0; s < 13; ++s) {
    EXPECT_NEAR(keys(1, 1, s, 3), held.keys(1, 1, s, 3), 0.02)
        << "token " << s << ", beside a channel of thousands";
  }
}

// One token has values a thousand times as large.
TEST(QuantizedLayerCacheTest, ATokenOfLargeValuesLeavesTheOthersExact) {
  Held held(kShape);
  for (std::size_t d = 0; d < 5; ++d) held.values(2, 0, 5, d) *= 1000;
  ExpectWithinHalfAScale(held, held.After({13}));
}

TEST(QuantizedLayerCacheTest, EqualNumbersAreExact) {
  Held held(kShape);
  held.keys.fill(-3.75F);
  held.values.fill(1e-20F);
  const KeysAndValues decoded = Decoded(held.After({14}));
  for (const float key : decoded.keys) ASSERT_EQ(key, -3.75F);
  for (const float value : decoded.values) ASSERT_EQ(value, 1e-20F);
}

TEST(QuantizedLayerCacheTest, ACallThatCrossesBordersCodesAllKeys) {
  const Held held(kShape);
  const KeysAndValues by_group = Decoded(held.After({4, 4, 4, 2}));
  const KeysAndValues at_once = Decoded(held.After({14}));
  EXPECT_TRUE(Near(at_once.keys, by_group.keys, 0.0F));
  EXPECT_TRUE(Near(at_once.values, by_group.values, 0.0F));
}

TEST(QuantizedLayerCacheTest, OneByOneEachTokenIsAtItsPosition) {
  const Held held(kShape);
  const KeysAndValues by_group = Decoded(held.After({4, 4, 4, 2}));
  const KeysAndValues one_by_one =
      Decoded(held.After(std::vector<std::size_t>(14, 1)));
  EXPECT_TRUE(Near(one_by_one.keys, by_group.keys, 0.0F));
  EXPECT_TRUE(Near(one_by_one.values, by_group.values, 0.0F));
}

TEST(QuantizedLayerCacheTest, WhatIsHeldDoesNotDependOnTheCalls) {
  const Held held(kShape);
  const KeysAndValues whole = Decoded(held.After({14}));
  for (const std::vector<std::size_t>& lengths :
       std::vector<std::vector<std::size_t>>{
           {3, 0, 2, 9}, {1, 4, 4, 5}, {5, 8, 1}}) {
    SCOPED_TRACE(std::to_string(lengths.size()) + " calls, the first of " +
                 std::to_string(lengths.front()));
    const KeysAndValues pieces = Decoded(held.After(lengths));
    EXPECT_TRUE(Near(pieces.keys, whole.keys, 0.0F));
    EXPECT_TRUE(Near(pieces.values, whole.values, 0.0F));
  }
}

TEST(QuantizedLayerCacheTest, GroupsMayHaveAnyLength) {
  for (const std::size_t group : {1, 2, 13, 14, 15, 400}) {
    SCOPED_TRACE("groups of " + std::to_string(group) + ", 14 tokens");
    QuantizedShape shape = kShape;
    shape.group = group;
    const Held held(shape);
    ExpectWithinHalfAScale(held, held.After({6, 1, 7}));
  }
}

// A shape of few of everything but what `change` sets.
template <typename Change>
QuantizedShape With(const Change& change) {
  QuantizedShape shape = {.batch = 2,
                          .max_seq_len = 7,
                          .num_kv_heads = 2,
                          .head_dim = 2,
                          .group = 3};
  change(shape);
  return shape;
}

// Each size alone, and any two of them, beyond what 8 bits count. A group of
// hundreds of tokens becomes full.
std::vector<QuantizedShape> LargeShapes() {
  constexpr std::size_t kRows = 0;
  constexpr std::size_t kHeads = 2;
  const std::vector<void (*)(QuantizedShape&)> sizes = {
      [](QuantizedShape& shape) { shape.batch = 260; },
      [](QuantizedShape& shape) { shape.max_seq_len = 290; },
      [](QuantizedShape& shape) { shape.num_kv_heads = 270; },
      [](QuantizedShape& shape) { shape.head_dim = 265; },
      [](QuantizedShape& shape) {
        shape.group = 280;
        shape.max_seq_len = std::max<std::size_t>(shape.max_seq_len, 290);
      }};
  std::vector<QuantizedShape> shapes;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    shapes.push_back(With(sizes[i]));
    for (std::size_t j = 0; j < i; ++j) {
      // An answer may have a thread for each head of each row.
      if (i == kHeads && j == kRows) continue;
      shapes.push_back(With([&](QuantizedShape& shape) {
        // Heads of one feature in one row, where there are many of two kinds.
        shape.batch = shape.num_kv_heads = shape.head_dim = 1;
        sizes[j](shape);
        sizes[i](shape);
      }));
    }
  }
  return shapes;
}

TEST(QuantizedLayerCacheTest, HoldsHundredsOfEverything) {
  for (const QuantizedShape& shape : LargeShapes()) {
    SCOPED_TRACE(SizesOf(shape));
    const Held held(shape);
    const std::size_t last = shape.max_seq_len / 3;
    ASSERT_NO_FATAL_FAILURE(ExpectWithinHalfAScale(
        held, held.After({shape.max_seq_len - last, last})));
  }
}

TEST(QuantizedLayerCacheTest, AppendRefusesWhatDoesNotFit) {
  const Held held(kShape);
  QuantizedLayerCache cache = held.After({12});
  const KeysAndValues before = Decoded(cache);
  const Tensor4 three = Part(held.keys, 0, 3);
  EXPECT_THROW(cache.Append(three, three), ContractError) << "12 + 3 of 14";
  const Tensor4 two = Part(held.keys, 0, 2);
  const Tensor4 one = Part(held.keys, 0, 1);
  EXPECT_THROW(cache.Append(two, one), ContractError);
  Tensor4 wide = Tensor4::from_shape({3, 2, 1, 6});
  wide.fill(0.0F);
  EXPECT_THROW(cache.Append(wide, wide), ContractError);
  EXPECT_EQ(cache.PastLen(), 12U);
  EXPECT_TRUE(Near(Decoded(cache).keys, before.keys, 0.0F));
  cache.Append(Part(held.keys, 12, 2), Part(held.values, 12, 2));
  ExpectWithinHalfAScale(held, cache);
}

// --- attention ---

Tensor4 RandomQueries(std::uint64_t seed,
                      const std::array<std::size_t, 4>& shape) {
  Random random(seed);
  return RandomTensor4(random, shape);
}

TEST(QuantizedAttendTest, IsAttentionOverWhatIsHeld) {
  for (const std::size_t group : {1, 4, 13, 14, 15}) {
    QuantizedShape shape = kShape;
    shape.group = group;
    const Held held(shape);
    const QuantizedLayerCache cache = held.After({9, 5});
    const KeysAndValues decoded = Decoded(cache);
    for (const std::size_t new_len : {1, 3, 14}) {
      const Tensor4 queries = RandomQueries(42, {3, 6, new_len, 5});
      SCOPED_TRACE(std::to_string(new_len) +
                   " queries, 14 tokens in groups of " + std::to_string(group));
      EXPECT_TRUE(Near(cache.Attend(queries, {}),
                       CausalAttention(queries, View(decoded.keys),
                                       View(decoded.values), {}),
                       kTolerance));
    }
  }
}

// Query heads 0, 1 and 2 read head 0 of the keys and values, 3, 4 and 5 head 1.
TEST(QuantizedAttendTest, NeighboursShareAKeyValueHead) {
  const Held held(kShape);
  const QuantizedLayerCache cache = held.After({8});
  const KeysAndValues decoded = Decoded(cache);
  const Tensor4 queries = RandomQueries(48, {3, 6, 1, 5});
  EXPECT_TRUE(Near(
      cache.Attend(queries, {}),
      CausalAttention(queries, View(decoded.keys), View(decoded.values), {}),
      kTolerance));
}

TEST(QuantizedAttendTest, RowsOfABatchMayHavePadding) {
  const Held held(kShape);
  const QuantizedLayerCache cache = held.After({14});
  const KeysAndValues decoded = Decoded(cache);
  const Tensor4 queries = RandomQueries(43, {3, 4, 6, 5});
  const std::vector<std::size_t> left_pad = {0, 5, 12};
  EXPECT_TRUE(Near(cache.Attend(queries, left_pad),
                   CausalAttention(queries, View(decoded.keys),
                                   View(decoded.values), left_pad),
                   kTolerance));
}

// Padding of each row: of row 0 none, then numbers from all over the tokens.
std::vector<std::size_t> SpreadPadding(const QuantizedShape& shape) {
  std::vector<std::size_t> left_pad;
  for (std::size_t b = 0; b < shape.batch; ++b) {
    left_pad.push_back(b * 283 % shape.max_seq_len);
  }
  return left_pad;
}

struct LargeCall {
  QuantizedShape shape;
  std::size_t group_heads = 2;
  std::size_t new_len = 2;
};

void ExpectAttention(const LargeCall& call) {
  const auto& [shape, group_heads, new_len] = call;
  SCOPED_TRACE(SizesOf(shape) + ", " + std::to_string(group_heads) +
               " query heads on each, " + std::to_string(new_len) + " queries");
  const Held held(shape);
  const QuantizedLayerCache cache = held.After({shape.max_seq_len});
  const KeysAndValues decoded = Decoded(cache);
  const Tensor4 queries = RandomQueries(
      44,
      {shape.batch, shape.num_kv_heads * group_heads, new_len, shape.head_dim});
  for (const std::vector<std::size_t>& left_pad :
       {std::vector<std::size_t>{}, SpreadPadding(shape)}) {
    ASSERT_TRUE(Near(cache.Attend(queries, left_pad),
                     CausalAttention(queries, View(decoded.keys),
                                     View(decoded.values), left_pad),
                     // Scores are sums of hundreds of products.
                     shape.head_dim > 64 ? 1e-4F : kTolerance));
  }
}

TEST(QuantizedAttendTest, HundredsOfRowsHeadsAndTokens) {
  for (const QuantizedShape& shape : LargeShapes()) {
    ASSERT_NO_FATAL_FAILURE(ExpectAttention(
        {shape, shape.num_kv_heads > 2 ? 1U : 2U, shape.batch > 2 ? 1U : 3U}));
  }
}

TEST(QuantizedAttendTest, HundredsOfQueryHeadsOnEachKeyValueHead) {
  for (const QuantizedShape& shape :
       {With([](QuantizedShape& few) { few.num_kv_heads = 3; }),
        With([](QuantizedShape& few) { few.max_seq_len = 290; }),
        With([](QuantizedShape& few) { few.head_dim = 260; }),
        With([](QuantizedShape& few) {
          few.group = 270;
          few.max_seq_len = 290;
        })}) {
    ASSERT_NO_FATAL_FAILURE(
        ExpectAttention({shape, 260, shape.batch > 2 ? 1U : 3U}));
  }
}

TEST(QuantizedAttendTest, HundredsOfQueriesAfterHundredsOfTokens) {
  const auto tokens = [](std::size_t group) {
    return QuantizedShape{.batch = 3,
                          .max_seq_len = 590,
                          .num_kv_heads = 2,
                          .head_dim = 2,
                          .group = group};
  };
  ASSERT_NO_FATAL_FAILURE(ExpectAttention({tokens(3), 2, 270}));
  ASSERT_NO_FATAL_FAILURE(ExpectAttention({tokens(280), 1, 270}));
  QuantizedShape few = tokens(3);
  few.batch = few.num_kv_heads = few.head_dim = 1;
  few.max_seq_len = 262;
  for (const auto size : {&QuantizedShape::batch, &QuantizedShape::num_kv_heads,
                          &QuantizedShape::head_dim}) {
    QuantizedShape shape = few;
    shape.*size = 260;
    ASSERT_NO_FATAL_FAILURE(ExpectAttention({shape, 1, 260}));
  }
  ASSERT_NO_FATAL_FAILURE(ExpectAttention({few, 260, 260}));
}

TEST(QuantizedAttendTest, CountsTheWorkOfTwoProducts) {
  const Held held(kShape);
  const QuantizedLayerCache cache = held.After({14});
  const Tensor4 queries = RandomQueries(45, {3, 6, 2, 5});
  const WorkCounts before = CountedWork();
  cache.Attend(queries, {});
  const WorkCounts work = CountedWork() - before;
  // Queries at 12 and 13 see 13 and 14 keys.
  EXPECT_GE(work[Work::kAttention], 3U * 6 * (13 + 14) * 2 * 5);
  EXPECT_LE(work[Work::kAttention], 3U * 6 * 2 * 14 * 2 * 5);
  EXPECT_EQ(work.Total(), work[Work::kAttention]);
}

TEST(QuantizedAttendTest, DecodesAGroupAtATime) {
  const Held held({.batch = 1,
                   .max_seq_len = 2'000,
                   .num_kv_heads = 2,
                   .head_dim = 32,
                   .group = 16});
  const QuantizedLayerCache cache = held.After({2'000});
  const Tensor4 queries = RandomQueries(47, {1, 2, 1, 32});
  cache.Attend(queries, {});  // what the first call needs for good
  const std::uint64_t before = AllocatedBytes();
  cache.Attend(queries, {});
  EXPECT_LE(AllocatedBytes() - before, 2U * 2'000 * 4 + 64 * 1024)
      << "2,000 scores of 2 heads take 16,000 bytes; decoded keys of one head "
         "would take 256,000";
}

TEST(QuantizedAttendTest, RefusesShapesThatDisagree) {
  const Held held(kShape);
  const QuantizedLayerCache cache = held.After({6});
  for (const std::array<std::size_t, 4>& wrong :
       std::vector<std::array<std::size_t, 4>>{
           {3, 5, 1, 5}, {2, 4, 1, 5}, {3, 4, 1, 4}, {3, 4, 7, 5}}) {
    EXPECT_THROW(cache.Attend(RandomQueries(46, wrong), {}), ContractError);
    EXPECT_THROW(cache.ErrorBounds(RandomQueries(46, wrong), {}),
                 ContractError);
  }
  const Tensor4 queries = RandomQueries(46, {3, 4, 1, 5});
  const std::vector<std::size_t> two = {0, 0};
  EXPECT_THROW(cache.Attend(queries, two), ContractError);
  EXPECT_THROW(cache.ErrorBounds(queries, two), ContractError);
  EXPECT_EQ(cache.Attend(queries, {}).shape(3), 5U);
  EXPECT_EQ(cache.ErrorBounds(queries, {}).shape(2), 1U);
}

// --- the bound ---

// For each query the error of its output, what rounding may add to it, and of
// the bounds that the header accepts the first one that it names, and the
// largest. All in double, from the keys and values as they were appended.
struct Errors {
  std::vector<double> error;
  std::vector<double> rounding;
  std::vector<double> bound;  // 2 tanh(delta / (2 sqrt(D))) w + e
  std::vector<double> largest_bound;
};

double NormOf(const std::vector<double>& numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number * number;
  return std::sqrt(sum);
}

struct Call {
  Tensor4 queries;
  std::vector<std::size_t> left_pad;
};

class Exact {
 public:
  Exact(const Held& held, const QuantizedLayerCache& cache)
      : held_(held), cache_(cache), decoded_(Decoded(cache)) {
    const QuantizedShape& shape = held.shape;
    for (std::size_t b = 0; b < shape.batch; ++b) {
      for (std::size_t g = 0; g < shape.num_kv_heads; ++g) {
        for (std::size_t s = 0; s < cache.PastLen(); ++s) {
          for (std::size_t d = 0; d < shape.head_dim; ++d) {
            if (s % shape.group == 0 && s < cache.CodedLen()) {
              key_scales_.push_back(
                  held.KeyScale({.row = b, .kv_head = g}, s, d));
            }
          }
          value_scales_.push_back(held.ValueScale({.row = b, .kv_head = g}, s));
        }
      }
    }
  }

  Errors Of(const Call& call) const {
    const Tensor4 attended = cache_.Attend(call.queries, call.left_pad);
    Errors errors;
    const std::size_t heads = call.queries.shape(1);
    const std::size_t new_len = call.queries.shape(2);
    for (std::size_t b = 0; b < call.queries.shape(0); ++b) {
      for (std::size_t h = 0; h < heads; ++h) {
        for (std::size_t i = 0; i < new_len; ++i) {
          OfQuery({.b = b, .h = h, .i = i}, call, attended, errors);
        }
      }
    }
    return errors;
  }

 private:
  struct Query {
    std::size_t b = 0;
    std::size_t h = 0;
    std::size_t i = 0;
  };

  void OfQuery(const Query& query, const Call& call, const Tensor4& attended,
               Errors& errors) const {
    const auto [b, h, i] = query;
    const QuantizedShape& shape = held_.shape;
    const std::size_t g = h / (call.queries.shape(1) / shape.num_kv_heads);
    const std::size_t end = cache_.PastLen() - call.queries.shape(2) + i + 1;
    const std::size_t pad = call.left_pad.empty() ? 0 : call.left_pad[b];
    const double root = std::sqrt(static_cast<double>(shape.head_dim));
    const std::size_t at = b * shape.num_kv_heads + g;
    const std::size_t groups = cache_.CodedLen() / shape.group;
    std::vector<double> scores;
    std::vector<double> value(shape.head_dim);
    std::vector<double> decoded(shape.head_dim);
    double max = -1e300;
    double delta = 0;
    double size = 0;
    double largest_value = 0;
    double value_error = 0;
    double terms = 0;
    for (std::size_t s = pad; s < end; ++s) {
      double score = 0;
      double sum = 0;
      double change = 0;
      for (std::size_t d = 0; d < shape.head_dim; ++d) {
        const double q = call.queries(b, h, i, d);
        score += q * double{held_.keys(b, g, s, d)} / root;
        sum += std::abs(q * double{held_.keys(b, g, s, d)}) / root;
        if (s < cache_.CodedLen()) {
          const std::size_t group = at * groups + s / shape.group;
          change += std::abs(q) * key_scales_[group * shape.head_dim + d] / 2;
        }
        value[d] = held_.values(b, g, s, d);
        decoded[d] = decoded_.values(b, g, s, d);
      }
      scores.push_back(score);
      max = std::max(max, score);
      terms = std::max(terms, sum);
      delta = std::max(delta, change);
      size = std::max(size, NormOf(decoded));
      largest_value = std::max(largest_value, NormOf(value));
      value_error = std::max(
          value_error, value_scales_[at * cache_.PastLen() + s] * root / 2);
    }
    double total = 0;
    for (double& score : scores) total += score = std::exp(score - max);
    std::vector<double> difference;
    for (std::size_t d = 0; d < shape.head_dim; ++d) {
      double exact = 0;
      for (std::size_t s = pad; s < end; ++s) {
        exact += scores[s - pad] / total * double{held_.values(b, g, s, d)};
      }
      difference.push_back(exact - double{attended(b, h, i, d)});
    }
    errors.error.push_back(NormOf(difference));
    errors.rounding.push_back(
        (64 + static_cast<double>(cache_.PastLen()) +
         (static_cast<double>(shape.head_dim) + 8) * terms) *
        0x1p-24 * largest_value);
    errors.bound.push_back(2 * std::tanh(delta / (2 * root)) * size +
                           value_error);
    errors.largest_bound.push_back(
        (std::min(2.0, std::exp(2 * delta / root) - 1) * size + value_error) *
            (1 + 0x1p-10) +
        size * 0x1p-16);
  }

  const Held& held_;
  const QuantizedLayerCache& cache_;
  KeysAndValues decoded_;
  std::vector<double> key_scales_;    // by row, head, group and channel
  std::vector<double> value_scales_;  // by row, head and token
};

void ExpectCertified(const Held& held, const QuantizedLayerCache& cache,
                     const Call& call) {
  const Tensor3 bounds = cache.ErrorBounds(call.queries, call.left_pad);
  const Errors errors = Exact(held, cache).Of(call);
  ASSERT_EQ(bounds.size(), errors.error.size());
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const double bound = bounds.data()[i];
    ASSERT_TRUE(std::isfinite(bound)) << "query " << i << ": " << bound;
    ASSERT_LE(errors.error[i], bound * (1 + 0x1p-12) + errors.rounding[i])
        << "query " << i << " of " << bounds.size()
        << " is further off than its bound";
    ASSERT_LE(bound, errors.largest_bound[i])
        << "the bound of query " << i << " of " << bounds.size()
        << " is larger than any that the header accepts";
  }
}

// One feature, so everything can be computed by hand. Tokens 0 and 1 are
// padding, and give the group the range 0 .. 255.
TEST(ErrorBoundsTest, ByHand) {
  const QuantizedShape shape = {.batch = 1,
                                .max_seq_len = 4,
                                .num_kv_heads = 1,
                                .head_dim = 1,
                                .group = 4};
  Held held(shape);
  for (std::size_t s = 0; s < 4; ++s) {
    held.keys(0, 0, s, 0) = std::vector<float>{0, 255, 7, 8}[s];
    held.values(0, 0, s, 0) = std::vector<float>{90, 90, 3, -2}[s];
  }
  const QuantizedLayerCache cache = held.After({4});
  Tensor4 query = Tensor4::from_shape({1, 1, 1, 1});
  query(0, 0, 0, 0) = -0.5F;
  const std::vector<std::size_t> left_pad = {2};
  // scale 1, so delta = 0.5 * 1 / 2; w = 3; a single feature is exact: e = 0.
  const double bound = cache.ErrorBounds(query, left_pad)(0, 0, 0);
  EXPECT_GE(bound, 2 * std::tanh(0.25 / 2) * 3 - 1e-5);
  EXPECT_LE(bound, (std::exp(2 * 0.25) - 1) * 3 + 1e-2);
}

// Keys half-way between two codes, one rounded up and one down.
TEST(ErrorBoundsTest, TwoKeysAttainIt) {
  const QuantizedShape shape = {.batch = 1,
                                .max_seq_len = 4,
                                .num_kv_heads = 1,
                                .head_dim = 1,
                                .group = 4};
  Held held(shape);
  for (std::size_t s = 0; s < 4; ++s) {
    held.keys(0, 0, s, 0) = std::vector<float>{0, 255, 7.501F, 8.499F}[s];
    held.values(0, 0, s, 0) = std::vector<float>{90, 90, 3, -3}[s];
  }
  const QuantizedLayerCache cache = held.After({4});
  Call call = {.queries = Tensor4::from_shape({1, 1, 1, 1}), .left_pad = {2}};
  for (const float query : {0.2F, -0.2F}) {
    call.queries(0, 0, 0, 0) = query;
    ExpectCertified(held, cache, call);
    const Errors errors = Exact(held, cache).Of(call);
    EXPECT_GT(errors.error[0], 0.98 * errors.bound[0])
        << "scores 0.2 apart become equal: " << errors.error[0]
        << " of at most " << errors.bound[0];
  }
}

// What a value's features are, beside a sign that two tokens do not share.
enum class Features { kAllAlike, kFirstAlone, kLastAlone };

// In every row and head two keys half-way between two codes of each channel,
// one rounded up and one down, whatever the sign of the query there: a bound
// any smaller would be wrong. They are the last two of their group, which is
// another one in each row; what comes before them is padding, and what comes
// after weighs nothing.
void ExpectAttained(const LargeCall& sizes, Features features) {
  const auto& [shape, group_heads, new_len] = sizes;
  SCOPED_TRACE(SizesOf(shape) + ", " + std::to_string(group_heads) +
               " query heads on each, " + std::to_string(new_len) + " queries");
  Held held(shape);
  const std::size_t heads = shape.num_kv_heads * group_heads;
  Call call = {.queries = RandomQueries(
                   58, {shape.batch, heads, new_len, shape.head_dim}),
               .left_pad = {}};
  const auto sign = [](const HeadOfCache& head, std::size_t d) {
    return (head.row + head.kv_head + d) % 3 == 0 ? -1.0F : 1.0F;
  };
  const std::size_t groups = shape.max_seq_len / shape.group;
  for (std::size_t b = 0; b < shape.batch; ++b) {
    const std::size_t end = (b % groups + 1) * shape.group;
    call.left_pad.push_back(end - 2);
    for (std::size_t g = 0; g < shape.num_kv_heads; ++g) {
      const HeadOfCache head = {.row = b, .kv_head = g};
      for (std::size_t d = 0; d < shape.head_dim; ++d) {
        const float scale = 0.02F + 0.001F * static_cast<float>((g + d) % 5);
        const bool counts =
            features == Features::kAllAlike ||
            d == (features == Features::kFirstAlone ? 0 : shape.head_dim - 1);
        for (std::size_t s = end - shape.group; s < shape.max_seq_len; ++s) {
          held.keys(b, g, s, d) = s < end ? 0 : -50 * sign(head, d);
          held.values(b, g, s, d) = counts ? (s % 2 == 0 ? 1.0F : -1.0F) : 0;
        }
        // The range is that of codes 0 to 255, and 0 is half-way.
        held.keys(b, g, end - 4, d) = -127.5F * scale;
        held.keys(b, g, end - 3, d) = 127.5F * scale;
        // In every second channel they get the same code, and in the others
        // change places: the scores are as far apart as before, the other way.
        const float step = scale * sign(head, d);
        const float other = d % 2 == 0 ? step : -step;
        held.keys(b, g, end - 2, d) = 0.5F * other + 0.4999F * step;
        held.keys(b, g, end - 1, d) = 0.5F * step - 0.4999F * step;
      }
      for (std::size_t h = g * group_heads; h < (g + 1) * group_heads; ++h) {
        for (std::size_t i = 0; i < new_len; ++i) {
          for (std::size_t d = 0; d < shape.head_dim; ++d) {
            float& query = call.queries(b, h, i, d);
            query = sign(head, d) * (1 + std::abs(query));
          }
        }
      }
    }
  }
  const QuantizedLayerCache cache = held.After({shape.max_seq_len});
  ASSERT_NO_FATAL_FAILURE(ExpectCertified(held, cache, call));
  if (features != Features::kAllAlike) return;
  const Errors errors = Exact(held, cache).Of(call);
  for (std::size_t i = new_len - 1; i < errors.error.size(); i += new_len) {
    ASSERT_GT(errors.error[i], 0.998 * errors.bound[i]) << "query " << i;
  }
}

TEST(ErrorBoundsTest, TwoKeysAttainItInHundredsOfEverything) {
  for (QuantizedShape shape : LargeShapes()) {
    shape.group = std::max<std::size_t>(shape.group, 4);
    shape.max_seq_len = std::max<std::size_t>(shape.max_seq_len, 8);
    ASSERT_NO_FATAL_FAILURE(ExpectAttained(
        {shape, shape.num_kv_heads > 2 ? 1U : 2U, 1}, Features::kAllAlike));
  }
  for (const std::size_t head_dim : {1, 2, 3, 4, 10, 66, 260}) {
    const QuantizedShape shape = {.batch = 3,
                                  .max_seq_len = 13,
                                  .num_kv_heads = 2,
                                  .head_dim = head_dim,
                                  .group = 4};
    for (const Features features :
         {Features::kAllAlike, Features::kFirstAlone, Features::kLastAlone}) {
      ASSERT_NO_FATAL_FAILURE(ExpectAttained({shape, 2, 1}, features));
    }
  }
}

TEST(ErrorBoundsTest, TwoKeysAttainItForHundredsOfQueries) {
  const QuantizedShape shape = {.batch = 1,
                                .max_seq_len = 270,
                                .num_kv_heads = 1,
                                .head_dim = 3,
                                .group = 4};
  ASSERT_NO_FATAL_FAILURE(ExpectAttained({shape, 260, 3}, Features::kAllAlike));
  ASSERT_NO_FATAL_FAILURE(ExpectAttained({shape, 2, 260}, Features::kAllAlike));
}

TEST(ErrorBoundsTest, HoldForOrdinaryNumbers) {
  for (const std::size_t group : {1, 3, 4, 13, 14, 15}) {
    QuantizedShape shape = kShape;
    shape.group = group;
    const Held held(shape, 50 + group);
    const QuantizedLayerCache cache = held.After({9, 5});
    SCOPED_TRACE("14 tokens in groups of " + std::to_string(group));
    for (const std::size_t new_len : {1, 14}) {
      Call call = {.queries = RandomQueries(51, {3, 4, new_len, 5}),
                   .left_pad = {}};
      ExpectCertified(held, cache, call);
      call.left_pad = {6, 0, 13};
      ExpectCertified(held, cache, call);
    }
  }
}

// Small values, beside which nothing that is added to their size is small.
void ExpectSmallValuesCertified(const LargeCall& sizes) {
  const auto& [shape, group_heads, new_len] = sizes;
  SCOPED_TRACE(SizesOf(shape) + ", " + std::to_string(group_heads) +
               " query heads on each, " + std::to_string(new_len) + " queries");
  Held held(shape, 56);
  for (float& value : held.values) value *= 1e-3F;
  ExpectCertified(held, held.After({shape.max_seq_len}),
                  {.queries = RandomQueries(
                       57, {shape.batch, shape.num_kv_heads * group_heads,
                            new_len, shape.head_dim}),
                   .left_pad = SpreadPadding(shape)});
}

TEST(ErrorBoundsTest, HoldForHundredsOfEverything) {
  for (const QuantizedShape& shape : LargeShapes()) {
    ASSERT_NO_FATAL_FAILURE(ExpectSmallValuesCertified(
        {shape, shape.num_kv_heads > 2 ? 1U : 2U, shape.batch > 2 ? 1U : 3U}));
  }
}

// As many queries as tokens: the first of them sees one.
TEST(ErrorBoundsTest, HoldForHundredsOfQueriesAndQueryHeads) {
  QuantizedShape few = {.batch = 1,
                        .max_seq_len = 270,
                        .num_kv_heads = 1,
                        .head_dim = 2,
                        .group = 260};
  for (const std::size_t group : {2, 260}) {
    few.group = group;
    ASSERT_NO_FATAL_FAILURE(ExpectSmallValuesCertified({few, 2, 270}));
  }
  few = {.batch = 1,
         .max_seq_len = 262,
         .num_kv_heads = 1,
         .head_dim = 1,
         .group = 3};
  ASSERT_NO_FATAL_FAILURE(ExpectSmallValuesCertified({few, 260, 260}));
  for (const auto size : {&QuantizedShape::batch, &QuantizedShape::num_kv_heads,
                          &QuantizedShape::head_dim}) {
    QuantizedShape shape = few;
    shape.*size = 260;
    ASSERT_NO_FATAL_FAILURE(ExpectSmallValuesCertified({shape, 1, 260}));
    shape.max_seq_len = 6;
    if (size == &QuantizedShape::num_kv_heads) continue;
    ASSERT_NO_FATAL_FAILURE(ExpectSmallValuesCertified({shape, 260, 1}));
  }
}

TEST(ErrorBoundsTest, HoldForAnOutlierInOneChannel) {
  Held held(kShape);
  for (std::size_t b = 0; b < 3; ++b) held.keys(b, 1, 6, 2) = -1e4F;
  for (std::size_t s = 0; s < 14; ++s) held.keys(1, 0, s, 3) *= 500;
  held.values(0, 1, 3, 4) = 3e3F;
  const QuantizedLayerCache cache = held.After({14});
  Call call = {.queries = RandomQueries(52, {3, 4, 3, 5}), .left_pad = {}};
  ExpectCertified(held, cache, call);
  // Large keys, and queries that hardly use them.
  for (std::size_t b = 0; b < 3; ++b) {
    for (std::size_t h = 0; h < 4; ++h) {
      for (std::size_t i = 0; i < 3; ++i) {
        for (const std::size_t d : {2, 3}) call.queries(b, h, i, d) *= 1e-4F;
      }
    }
  }
  ExpectCertified(held, cache, call);
}

TEST(ErrorBoundsTest, HoldForHugeAndTinyNumbers) {
  for (const float size : {1e20F, 1e-20F}) {
    Held held(kShape);
    for (float& key : held.keys) key *= size;
    for (float& value : held.values) value *= size;
    Call call = {.queries = RandomQueries(53, {3, 4, 3, 5}), .left_pad = {}};
    for (float& query : call.queries) query /= size;
    SCOPED_TRACE("keys and values of size " + std::to_string(size));
    ExpectCertified(held, held.After({14}), call);
  }
}

TEST(ErrorBoundsTest, EqualNumbersCostNothing) {
  Held held(kShape);
  held.keys.fill(2.5F);
  held.values.fill(-4.0F);
  const Tensor3 bounds =
      held.After({14}).ErrorBounds(RandomQueries(54, {3, 4, 3, 5}), {});
  for (const float bound : bounds) {
    ASSERT_GE(bound, 0.0F);
    ASSERT_LE(bound, 9.0F * 0x1p-16F) << "|v| is 4 sqrt(5) = 8.9";
  }
  held.values.fill(0.0F);
  const Tensor3 of_zeros =
      held.After({14}).ErrorBounds(RandomQueries(54, {3, 4, 3, 5}), {});
  for (const float bound : of_zeros) ASSERT_EQ(bound, 0.0F) << "|v| is 0";
}

// A group of large keys and values that some queries do not see: it is in the
// padding of row 0, and after the first queries.
TEST(ErrorBoundsTest, AreOfWhatTheQuerySees) {
  Held held(kShape);
  for (std::size_t d = 0; d < 5; ++d) {
    for (const std::size_t s : {0, 2, 9}) {
      held.keys(0, 0, s, d) *= 50;
      held.values(0, 0, s, d) *= 50;
    }
  }
  const QuantizedLayerCache cache = held.After({14});
  ExpectCertified(
      held, cache,
      {.queries = RandomQueries(55, {3, 4, 10, 5}), .left_pad = {4, 0, 0}});
}

TEST(ErrorBoundsTest, AQueryThatSeesNothingHasNoError) {
  const Held held(kShape);
  const QuantizedLayerCache cache = held.After({6});
  const std::vector<std::size_t> left_pad = {0, 5, 30};
  const Tensor4 queries = RandomQueries(56, {3, 4, 2, 5});
  const Tensor3 bounds = cache.ErrorBounds(queries, left_pad);
  const Tensor4 attended = cache.Attend(queries, left_pad);
  EXPECT_GT(bounds(0, 0, 0), 0.0F);
  EXPECT_EQ(bounds(1, 0, 0), 0.0F);
  EXPECT_GT(bounds(1, 0, 1), 0.0F);
  EXPECT_EQ(bounds(2, 3, 1), 0.0F);
  EXPECT_EQ(attended(2, 3, 1, 4), 0.0F);
}

// 2,400 queries over 3 tokens each: many see errors that add up.
TEST(ErrorBoundsTest, AreAtMostTenTimesTheLargestErrorOfOrdinaryNumbers) {
  const QuantizedShape shape = {.batch = 150,
                                .max_seq_len = 3,
                                .num_kv_heads = 4,
                                .head_dim = 6,
                                .group = 3};
  const Held held(shape);
  const QuantizedLayerCache cache = held.After({3});
  Call call = {.queries = RandomQueries(57, {150, 16, 1, 6}), .left_pad = {}};
  for (float& query : call.queries) query /= 2;
  const Tensor3 bounds = cache.ErrorBounds(call.queries, {});
  const double error = std::ranges::max(Exact(held, cache).Of(call).error);
  EXPECT_GT(error, 1e-3) << "eight bits are not exact";
  EXPECT_LE(std::ranges::max(bounds), 10 * error);
}

}  // namespace
}  // namespace kvlab
