// Tests the contract of kv_cache.h, task by task. Element [b, h, s, d] of a
// numbered token holds the number bhsd, so a wrong 1230 shows where it belongs:
// batch 1, head 2, position 3. Values are the keys plus 0.5.
#include "modules/03_memoization/kv_cache.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/model/random.h"
#include "kit/tensor/copy.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"
#include "modules/03_memoization/allocation_counter.h"
#include "modules/03_memoization/locked_memory.h"

namespace kvlab {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr CacheShape kShape = {.batch = 2,
                               .max_seq_len = 8,
                               .num_layers = 3,
                               .num_kv_heads = 3,
                               .head_dim = 4};
constexpr LayerShape kLayer = kShape.Layer();

Tensor4 KeysOf(std::size_t begin, std::size_t end) {
  return NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, begin, end);
}

Tensor4 ValuesOf(std::size_t begin, std::size_t end) {
  Tensor4 values = KeysOf(begin, end);
  for (float& value : values) value += 0.5F;
  return values;
}

// A layer that holds positions 0 .. tokens - 1.
LayerCache Filled(std::size_t tokens) {
  LayerCache cache(kLayer);
  cache.Append(KeysOf(0, tokens), ValuesOf(0, tokens));
  return cache;
}

void ExpectHolds(const LayerCache& cache, std::size_t tokens) {
  EXPECT_EQ(cache.PastLen(), tokens);
  EXPECT_TRUE(Same(cache.Keys(), KeysOf(0, tokens)));
  EXPECT_TRUE(Same(cache.Values(), ValuesOf(0, tokens)));
}

// Positions [begin, end) of a sequence of any shape. Its elements are distinct
// numbers, up to 2^24 of them, and those with `salt` 1 differ from them.
Tensor4 TokensOf(const LayerShape& shape, std::size_t begin, std::size_t end,
                 float salt = 0) {
  Tensor4 tokens = Tensor4::from_shape(
      {shape.batch, shape.num_kv_heads, end - begin, shape.head_dim});
  for (std::size_t b = 0; b < shape.batch; ++b) {
    for (std::size_t h = 0; h < shape.num_kv_heads; ++h) {
      for (std::size_t s = begin; s < end; ++s) {
        for (std::size_t d = 0; d < shape.head_dim; ++d) {
          const std::size_t row =
              (b * shape.num_kv_heads + h) * shape.max_seq_len + s;
          tokens(b, h, s - begin, d) =
              salt / 4 + static_cast<float>(row * shape.head_dim + d);
        }
      }
    }
  }
  return tokens;
}

// Values are the keys negated, and never zero.
Tensor4 Negated(const Tensor4& keys) {
  Tensor4 values = keys;
  for (float& value : values) value = -1 - value;
  return values;
}

void AppendTokens(LayerCache& cache, const Tensor4& keys) {
  cache.Append(keys, Negated(keys));
}

::testing::AssertionResult Holds(const LayerCache& cache, const Tensor4& keys) {
  if (cache.PastLen() != keys.shape(2)) {
    return ::testing::AssertionFailure()
           << "PastLen() is " << cache.PastLen() << ", not " << keys.shape(2);
  }
  ::testing::AssertionResult same = Same(cache.Keys(), keys);
  if (!same) return same << " (keys)";
  same = Same(cache.Values(), Negated(keys));
  return same ? same : same << " (values)";
}

// ---- Task 3.2 ----------------------------------------------------------

struct KnownCache {
  const char* model;
  CacheShape shape;
  std::size_t bytes_per_element;
  std::uint64_t bytes;
};

class CacheBytesOfKnownModels : public ::testing::TestWithParam<KnownCache> {};

TEST_P(CacheBytesOfKnownModels, AreExact) {
  EXPECT_EQ(CacheBytes(GetParam().shape, GetParam().bytes_per_element),
            GetParam().bytes)
      << GetParam().model;
}

INSTANTIATE_TEST_SUITE_P(
    CacheBytesTest, CacheBytesOfKnownModels,
    ::testing::Values(
        KnownCache{"DistilGPT2, float32", {1, 1024, 6, 12, 64}, 4, 37'748'736},
        KnownCache{"GPT-2, float16", {1, 1024, 12, 12, 64}, 2, 37'748'736},
        KnownCache{"GPT-2, float32", {1, 1024, 12, 12, 64}, 4, 75'497'472},
        KnownCache{"GPT-2, one token", {1, 1, 12, 12, 64}, 2, 36'864},
        KnownCache{
            "GPT-2, 8 rows", {8, 1024, 12, 12, 64}, 4, 8ULL * 75'497'472},
        KnownCache{
            "Llama-2-7B, float16", {1, 4096, 32, 32, 128}, 2, 2'147'483'648},
        KnownCache{"Llama-3-8B: 32 query heads share 8 key/value heads",
                   {1, 8192, 32, 8, 128},
                   2,
                   1'073'741'824},
        KnownCache{
            "GPT-3 175B, float32", {1, 2048, 96, 96, 128}, 4, 19'327'352'832}));

TEST(CacheBytesTest, RefusesWhat64BitsCannotHold) {
  const CacheShape huge = {.batch = std::size_t{1} << 31U,
                           .max_seq_len = std::size_t{1} << 31U,
                           .num_layers = 1,
                           .num_kv_heads = 1,
                           .head_dim = 1};

  EXPECT_EQ(CacheBytes(huge, 1), std::uint64_t{1} << 63U);
  EXPECT_THROW(CacheBytes(huge, 2), ContractError);
}

// The six factors, so that a test can set each of them in turn.
std::uint64_t BytesOf(const std::array<std::size_t, 6>& factors) {
  return CacheBytes({.batch = factors[0],
                     .max_seq_len = factors[1],
                     .num_layers = factors[2],
                     .num_kv_heads = factors[3],
                     .head_dim = factors[4]},
                    factors[5]);
}

TEST(CacheBytesTest, EachSizeMayBeLargeAndNoneTooLarge) {
  for (std::size_t large = 0; large < 6; ++large) {
    std::array<std::size_t, 6> factors = {1, 1, 1, 1, 1, 1};
    for (const std::size_t bits : {16U, 31U, 32U, 53U, 62U}) {
      factors.at(large) = (std::size_t{1} << bits) + 1;
      EXPECT_EQ(BytesOf(factors), (std::uint64_t{2} << bits) + 2)
          << "factor " << large << ", 2^" << bits << " + 1";
    }
    factors.at(large) = (std::size_t{1} << 63U) - 1;
    EXPECT_EQ(BytesOf(factors), std::numeric_limits<std::uint64_t>::max() - 1);
    factors.at(large) = std::size_t{1} << 63U;
    EXPECT_THROW(BytesOf(factors), ContractError) << "factor " << large;
    factors.at((large + 1) % 6) = 3;
    EXPECT_THROW(BytesOf(factors), ContractError) << "factor " << large;
  }
}

TEST(CacheBytesTest, RefusesAProductThatWrapsToALargerNumber) {
  // 2 * 5,000,000,007 * 5,000,000,009 is 13.1 * 10^18 in 64 bits: more than
  // either factor, so that no comparison with what was there before shows it.
  for (std::size_t first = 0; first < 6; ++first) {
    for (std::size_t second = 0; second < 6; ++second) {
      if (first == second) continue;
      std::array<std::size_t, 6> factors = {1, 1, 1, 1, 1, 1};
      factors.at(first) = 5'000'000'007;
      factors.at(second) = 5'000'000'009;
      EXPECT_THROW(BytesOf(factors), ContractError)
          << "factors " << first << " and " << second;
    }
  }
  // 2 * 2,027^6 has 67 bits; each partial product but the last fits.
  EXPECT_THROW(BytesOf({2'027, 2'027, 2'027, 2'027, 2'027, 2'027}),
               ContractError);
}

TEST(CacheBytesTest, AreExactBeyondWhatADoubleHolds) {
  // An odd number of 56 bits, doubled: float and double round it.
  constexpr std::array<std::size_t, 6> kOdd = {3,   100'003, 9'973,
                                               311, 127,     313};
  EXPECT_EQ(BytesOf(kOdd), 73'977'311'764'575'354U);
}

TEST(CacheBytesTest, AreZeroForASizeOfZeroHoweverLargeTheOthers) {
  constexpr std::size_t kHuge = std::size_t{1} << 40U;
  for (std::size_t zero = 0; zero < 6; ++zero) {
    std::array<std::size_t, 6> factors = {kHuge, kHuge, kHuge,
                                          kHuge, kHuge, kHuge};
    factors.at(zero) = 0;
    EXPECT_EQ(BytesOf(factors), 0U) << "factor " << zero;
  }
}

TEST(CacheBytesTest, AreTheBytesThatACacheReserves) {
  EXPECT_EQ(KvCache(kShape).Bytes(), CacheBytes(kShape, sizeof(float)));
}

// ---- Task 3.3 ----------------------------------------------------------

TEST(LayerCacheTest, AppendPutsNewTokensBehindOldOnes) {
  // Given a cache holding a prompt of 3 tokens
  LayerCache cache(kLayer);
  cache.Append(KeysOf(0, 3), ValuesOf(0, 3));

  // When one more token is decoded
  cache.Append(KeysOf(3, 4), ValuesOf(3, 4));

  // Then all 4 are in order, in every batch row and head
  ExpectHolds(cache, 4);
}

TEST(LayerCacheTest, AppendTakesAnyNumberOfTokens) {
  for (std::size_t first = 0; first <= 8; ++first) {
    for (std::size_t second = first; second <= 8; ++second) {
      LayerCache cache(kLayer);
      cache.Append(KeysOf(0, first), ValuesOf(0, first));
      cache.Append(KeysOf(first, second), ValuesOf(first, second));
      cache.Append(KeysOf(second, 8), ValuesOf(second, 8));
      ExpectHolds(cache, 8);
    }
  }
}

// The sizes of a cache and the pieces that fill it. Together the rows below
// cover every pair of: batch 1, 2, 5; heads 1, few, more than 8; head_dim 1,
// odd, beyond 64; tokens fewer than 10, hundreds, more than 65,536; one at a
// time, chunks beyond 64, a prompt beyond 256, and pieces of none. Then batch,
// heads and head_dim beyond what 8 bits count, one at a time.
struct Filling {
  LayerShape shape;
  std::vector<std::size_t> pieces;
};

const std::vector<Filling>& Fillings() {
  static const std::vector<Filling> fillings = {
      {{1, 1, 1, 7}, {1}},
      {{1, 8, 12, 65}, {0, 8, 0}},
      {{2, 9, 17, 3}, {4, 0, 5}},
      {{5, 7, 1, 33}, {1, 1, 1, 1, 1, 1, 1}},
      {{5, 300, 9, 5}, {257, 0, 1, 40, 2}},
      {{2, 520, 3, 1}, {0, 300, 70, 1, 0, 149}},
      {{1, 1'025, 2, 67}, {300, 70, 1, 654}},
      {{2, 70, 12, 8}, std::vector<std::size_t>(70, 1)},
      {{2, 66'000, 1, 1}, {65'600, 1, 0, 399}},
      {{1, 66'000, 9, 1}, {65'536, 1, 463}},
      {{70, 5, 2, 3}, {1, 2, 1, 1}},
      {{10, 300, 10, 3}, {257, 1, 42}},
      {{300, 5, 2, 3}, {1, 2, 1, 1}},
      {{2, 5, 300, 3}, {1, 2, 1, 1}},
      {{2, 5, 2, 300}, {1, 2, 1, 1}}};
  return fillings;
}

TEST(LayerCacheTest, AppendFillsCachesOfAllSizesToTheBrim) {
  for (const auto& [shape, pieces] : Fillings()) {
    SCOPED_TRACE(::testing::Message()
                 << "batch " << shape.batch << ", " << shape.num_kv_heads
                 << " heads of " << shape.head_dim << ", " << shape.max_seq_len
                 << " tokens");
    LayerCache cache(shape);
    std::size_t held = 0;
    for (const std::size_t piece : pieces) {
      AppendTokens(cache, TokensOf(shape, held, held + piece));
      held += piece;
      ASSERT_EQ(cache.PastLen(), held);
    }
    ASSERT_EQ(held, shape.max_seq_len);
    const Tensor4 all = TokensOf(shape, 0, held);
    EXPECT_TRUE(Holds(cache, all));

    // Full: no token fits, but appending none is always allowed.
    EXPECT_THROW(AppendTokens(cache, TokensOf(shape, 0, 1)), ContractError);
    AppendTokens(cache, TokensOf(shape, 0, 0));
    EXPECT_TRUE(Holds(cache, all));
  }
}

TEST(LayerCacheTest, AppendOfNoTokensChangesNothing) {
  LayerCache cache(kLayer);
  const Tensor4 none = KeysOf(0, 0);
  for (const std::size_t held : {0, 3, 8}) {
    cache.Append(KeysOf(cache.PastLen(), held),
                 ValuesOf(cache.PastLen(), held));
    cache.Append(none, none);
    ExpectHolds(cache, held);
  }
}

TEST(LayerCacheTest, AppendsToTwoCachesByTurnsAreApart) {
  // State kept between calls must belong to one cache, not to all of them.
  const LayerShape small = {2, 6, 3, 4};
  const LayerShape large = {3, 90, 2, 5};
  LayerCache one(small);
  LayerCache other(large);
  for (std::size_t t = 0; t < 6; ++t) {
    AppendTokens(one, TokensOf(small, t, t + 1));
    AppendTokens(other, TokensOf(large, 15 * t, 15 * (t + 1), 1));
  }
  EXPECT_TRUE(Holds(one, TokensOf(small, 0, 6)));
  EXPECT_TRUE(Holds(other, TokensOf(large, 0, 90, 1)));
}

TEST(LayerCacheTest, AppendCopiesTheNewTokensAndNothingElse) {
  // Given a layer with 5 tokens, and one token ready
  LayerCache cache = Filled(5);
  const Tensor4 key = KeysOf(5, 6);
  const Tensor4 value = ValuesOf(5, 6);

  const std::uint64_t copied = CopiedBytes();
  const std::uint64_t allocations = AllocationCount();
  cache.Append(key, value);
  const std::uint64_t allocated = AllocationCount() - allocations;

  // Then at most one key and one value per row and head were copied, and
  // nothing was allocated
  EXPECT_LE(CopiedBytes() - copied, 2U * 2 * 3 * 4 * sizeof(float));
  EXPECT_EQ(allocated, 0U);
  ExpectHolds(cache, 6);
}

TEST(LayerCacheTest, AppendOfAnyNumberAllocatesNothing) {
  const LayerShape shape = {2, 400, 3, 5};
  LayerCache cache(shape);
  for (const std::size_t tokens : {0, 1, 99, 300}) {
    const Tensor4 keys = TokensOf(shape, 0, tokens);
    const Tensor4 values = Negated(keys);
    const std::uint64_t allocations = AllocationCount();
    cache.Append(keys, values);
    EXPECT_EQ(AllocationCount() - allocations, 0U) << tokens << " tokens";
  }
}

// A layer whose tokens take two pages each, and their memory: `from` to `to` of
// keys and values, in every row and head.
constexpr CacheShape kPages = {.batch = 2,
                               .max_seq_len = 12,
                               .num_layers = 2,
                               .num_kv_heads = 2,
                               .head_dim = 2048};

std::vector<std::span<const float>> MemoryOf(const LayerCache& cache,
                                             std::size_t from, std::size_t to) {
  std::vector<std::span<const float>> memory;
  for (const ConstView4& view : {cache.Keys(), cache.Values()}) {
    for (std::size_t head = 0; head < 4; ++head) {
      memory.emplace_back(view.data() + (head * 12 + from) * 2048,
                          (to - from) * 2048);
    }
  }
  return memory;
}

LayerCache FilledPages(std::size_t tokens) {
  LayerCache cache(kPages.Layer());
  AppendTokens(cache, TokensOf(kPages.Layer(), 0, tokens));
  return cache;
}

TEST(LayerCacheTest, AppendNeitherReadsNorWritesWhatIsStored) {
  LayerCache cache = FilledPages(5);
  const Tensor4 keys = TokensOf(kPages.Layer(), 5, 7);
  const Tensor4 values = Negated(keys);
  std::vector<std::span<const float>> others = MemoryOf(cache, 0, 5);
  const std::vector<std::span<const float>> behind = MemoryOf(cache, 7, 12);
  others.insert(others.end(), behind.begin(), behind.end());

  EXPECT_TRUE(LeavesAlone(others, [&] { cache.Append(keys, values); }))
      << "Append of tokens 5 and 6 touches others: its cost must grow with "
         "new_len, not with PastLen() or MaxSeqLen()";
}

TEST(LayerCacheTest, AppendRefusesWhatDoesNotFitAndKeepsWhatItHas) {
  LayerCache cache = Filled(7);

  EXPECT_THAT(MessageOf<ContractError>(
                  [&] { cache.Append(KeysOf(7, 9), ValuesOf(7, 9)); }),
              AllOf(HasSubstr("no room for 2 more tokens"),
                    HasSubstr("past_len 7 + new_len 2 = 9, max_seq_len is 8")));

  ExpectHolds(cache, 7);
  cache.Append(KeysOf(7, 8), ValuesOf(7, 8));
  ExpectHolds(cache, 8);
}

TEST(LayerCacheTest, AppendRefusesOtherShapesAndNamesBoth) {
  LayerCache cache = Filled(2);

  EXPECT_THAT(MessageOf<ContractError>([&] {
                cache.Append(NumberedTokens(
                                 {.batch = 2, .heads = 4, .head_dim = 4}, 2, 3),
                             ValuesOf(2, 3));
              }),
              AllOf(HasSubstr("keys"), HasSubstr("[2, 4, 1, 4]"),
                    HasSubstr("[2, 3, 1, 4]")));
  EXPECT_THAT(MessageOf<ContractError>(
                  [&] { cache.Append(KeysOf(2, 3), ValuesOf(2, 4)); }),
              AllOf(HasSubstr("values"), HasSubstr("[2, 3, 2, 4]")));
  EXPECT_THROW(cache.Append(NumberedTokens(
                                {.batch = 1, .heads = 3, .head_dim = 4}, 2, 3),
                            ValuesOf(2, 3)),
               ContractError);
  ExpectHolds(cache, 2);
}

TEST(LayerCacheTest, AppendRefusesEachWrongSizeInKeysAndInValues) {
  // Wrong in one of the two at a time, by one more and one less, whether the
  // cache is empty, half full or full; then valid tokens are appended.
  for (const std::size_t held : {0, 4, 7}) {
    LayerCache cache = Filled(held);
    for (std::size_t axis = 0; axis < 4; ++axis) {
      for (const std::size_t off : {1, -1}) {
        std::array<std::size_t, 4> sizes = {2, 3, 1, 4};
        sizes.at(axis) += off;
        const Tensor4 wrong = NumberedTokens(
            {.batch = sizes[0], .heads = sizes[1], .head_dim = sizes[3]}, held,
            held + sizes[2]);
        EXPECT_THROW(cache.Append(KeysOf(held, held + 1), wrong), ContractError)
            << "values " << ShapeText(sizes);
        EXPECT_THROW(cache.Append(wrong, ValuesOf(held, held + 1)),
                     ContractError)
            << "keys " << ShapeText(sizes);
        ExpectHolds(cache, held);
      }
    }
    EXPECT_THROW(cache.Append(KeysOf(held, 9), ValuesOf(held, 9)),
                 ContractError);
    ExpectHolds(cache, held);
    cache.Append(KeysOf(held, 8), ValuesOf(held, 8));
    ExpectHolds(cache, 8);
  }
}

// ---- Task 3.4 ----------------------------------------------------------

TEST(LayerCacheTest, IsEmptyAtFirst) {
  const LayerCache cache(kLayer);

  EXPECT_EQ(cache.PastLen(), 0U);
  EXPECT_EQ(cache.Keys().shape(2), 0U);
  EXPECT_EQ(cache.Values().shape(2), 0U);
}

TEST(LayerCacheTest, RowsNotYetWrittenAreNaN) {
  // Given a cache that holds 2 of its tokens
  LayerCache cache = Filled(2);
  for (const ConstView4& view : {cache.Keys(), cache.Values()}) {
    // Given a view into its storage, which has room for all tokens
    const std::size_t head_stride = kLayer.max_seq_len * kLayer.head_dim;
    ASSERT_EQ(static_cast<std::size_t>(view.strides()[0]),
              kLayer.num_kv_heads * head_stride);
    ASSERT_EQ(static_cast<std::size_t>(view.strides()[1]), head_stride);
    // Then a row not yet written cannot pass for a result
    for (std::size_t head = 0; head < kLayer.batch * kLayer.num_kv_heads;
         ++head) {
      for (std::size_t i = 2 * kLayer.head_dim; i < head_stride; ++i) {
        ASSERT_TRUE(std::isnan(view.data()[head * head_stride + i]))
            << "head " << head << ", element " << i;
      }
    }
  }
}

TEST(LayerCacheTest, ViewsSeeTheTokenJustAppended) {
  LayerCache cache = Filled(3);

  cache.Append(KeysOf(3, 4), ValuesOf(3, 4));

  EXPECT_EQ(cache.Keys().shape(2), 4U);
  EXPECT_EQ(cache.Keys()(1, 2, 3, 1), 1231.0F);
  EXPECT_EQ(cache.Values()(1, 2, 3, 1), 1231.5F);
}

TEST(LayerCacheTest, ViewsEndAtPastLenNotAtMaxSeqLen) {
  const LayerCache cache = Filled(3);

  EXPECT_EQ(cache.Keys().shape(2), 3U);
  EXPECT_EQ(cache.Values().shape(2), 3U);
}

TEST(LayerCacheTest, ViewsLookIntoTheStorageItself) {
  LayerCache cache = Filled(3);
  const ConstView4 keys = cache.Keys();
  const float* keys_at = keys.data();
  const float* values_at = cache.Values().data();

  const std::uint64_t allocations = AllocationCount();
  for (std::size_t position = 3; position < 8; ++position) {
    ASSERT_EQ(cache.Keys().data(), keys_at);
    ASSERT_EQ(cache.Values().data(), values_at);
  }
  EXPECT_EQ(AllocationCount() - allocations, 0U);

  // An old view still shows the tokens it showed, where they were.
  cache.Append(KeysOf(3, 8), ValuesOf(3, 8));
  EXPECT_EQ(cache.Keys().data(), keys_at);
  EXPECT_TRUE(Same(keys, KeysOf(0, 3)));
}

TEST(LayerCacheTest, TruncateForgetsTheTail) {
  LayerCache cache = Filled(6);

  cache.Truncate(4);

  ExpectHolds(cache, 4);
  cache.Append(KeysOf(4, 5), ValuesOf(4, 5));
  ExpectHolds(cache, 5);
}

TEST(LayerCacheTest, TruncateForgetsFromEveryPosition) {
  const LayerShape shape = {2, 20, 3, 5};
  LayerCache cache(shape);
  for (std::size_t kept = 0; kept <= 20; ++kept) {
    // The same object each time: filled completely, truncated, filled with
    // other tokens.
    cache.Truncate(0);
    AppendTokens(cache, TokensOf(shape, 0, 20));
    cache.Truncate(kept);
    EXPECT_TRUE(Holds(cache, TokensOf(shape, 0, kept)));
    cache.Truncate(kept);  // once more forgets nothing

    AppendTokens(cache, TokensOf(shape, kept, 20, 1));

    Tensor4 all = TokensOf(shape, 0, 20, 1);
    const Tensor4 old = TokensOf(shape, 0, kept);
    for (std::size_t b = 0; b < 2; ++b) {
      for (std::size_t h = 0; h < 3; ++h) {
        CopyRows(HeadMatrix(old, b, h),
                 RowRange(HeadMatrix(all, b, h), 0, kept));
      }
    }
    ASSERT_TRUE(Holds(cache, all)) << "truncated to " << kept << " of 20";
  }
}

TEST(LayerCacheTest, ViewsAndTruncateTouchNothingThatIsStored) {
  LayerCache cache = FilledPages(12);
  const std::vector<std::span<const float>> all = MemoryOf(cache, 0, 12);

  EXPECT_TRUE(LeavesAlone(all, [&] { (void)cache.Keys(); }))
      << "Keys() is O(1): it shows the tokens without reading them";
  EXPECT_TRUE(LeavesAlone(all, [&] { (void)cache.Values(); }))
      << "Values() is O(1): it shows the tokens without reading them";
  for (const std::size_t past_len : {12, 5, 0}) {
    EXPECT_TRUE(LeavesAlone(all, [&] { cache.Truncate(past_len); }))
        << "Truncate(" << past_len
        << ") is O(1): it changes a number, not tokens";
  }
}

TEST(LayerCacheTest, TruncateMovesAndAllocatesNothing) {
  LayerCache cache = Filled(6);
  const float* keys_at = cache.Keys().data();

  const std::uint64_t copied = CopiedBytes();
  const std::uint64_t allocations = AllocationCount();
  cache.Truncate(2);

  EXPECT_EQ(AllocationCount() - allocations, 0U);
  EXPECT_EQ(CopiedBytes() - copied, 0U);
  EXPECT_EQ(cache.Keys().data(), keys_at);
}

TEST(LayerCacheTest, TruncateRefusesTokensThatWereNeverStored) {
  LayerCache cache = Filled(3);

  EXPECT_THROW(cache.Truncate(4), ContractError);
  EXPECT_THROW(cache.Truncate(8), ContractError);
  EXPECT_THROW(cache.Truncate(std::numeric_limits<std::size_t>::max()),
               ContractError);  // what -1 becomes
  ExpectHolds(cache, 3);
  cache.Truncate(2);
  EXPECT_THROW(cache.Truncate(3), ContractError);  // stored once, forgotten
  ExpectHolds(cache, 2);
  cache.Truncate(0);
  cache.Truncate(0);
  EXPECT_THROW(cache.Truncate(1), ContractError);
  ExpectHolds(cache, 0);
}

TEST(LayerCacheTest, ReservesItsBytesAtOnce) {
  LayerCache cache(kLayer);
  const std::uint64_t bytes = 2U * 2 * 3 * 8 * 4 * sizeof(float);

  EXPECT_EQ(cache.Bytes(), bytes);
  cache.Append(KeysOf(0, 5), ValuesOf(0, 5));
  EXPECT_EQ(cache.Bytes(), bytes);
}

TEST(LayerCacheTest, RefusesSizesOfZero) {
  LayerShape shape = kLayer;
  EXPECT_EQ(LayerCache(shape).Keys().shape(3), 4U);
  shape.head_dim = 0;
  EXPECT_THROW(LayerCache{shape}, ContractError);
  shape = kLayer;
  shape.max_seq_len = 0;
  EXPECT_THROW(LayerCache{shape}, ContractError);
}

// ---- Task 3.5 ----------------------------------------------------------

// Appends positions [begin, end) to one layer; layer l holds numbers plus
// 10,000 * l.
void AppendTo(KvCache& cache, std::size_t layer, std::size_t begin,
              std::size_t end) {
  Tensor4 keys = KeysOf(begin, end);
  Tensor4 values = ValuesOf(begin, end);
  for (float& key : keys) key += 10'000.0F * static_cast<float>(layer);
  for (float& value : values) value += 10'000.0F * static_cast<float>(layer);
  cache.Layer(layer).Append(keys, values);
}

TEST(KvCacheTest, KeepsLayersApart) {
  KvCache cache(kShape);
  for (std::size_t layer = 0; layer < 3; ++layer) AppendTo(cache, layer, 0, 4);

  for (std::size_t layer = 0; layer < 3; ++layer) {
    EXPECT_EQ(cache.Layer(layer).Keys()(1, 2, 3, 1),
              10'000.0F * static_cast<float>(layer) + 1231.0F);
  }
}

TEST(KvCacheTest, HoldsWhatEveryLayerHolds) {
  KvCache cache(kShape);

  EXPECT_EQ(cache.PastLen(), 0U);
  AppendTo(cache, 0, 0, 4);
  EXPECT_EQ(cache.PastLen(), 0U);  // layers 1 and 2 are still to come
  AppendTo(cache, 1, 0, 4);
  EXPECT_EQ(cache.PastLen(), 0U);
  AppendTo(cache, 2, 0, 4);
  EXPECT_EQ(cache.PastLen(), 4U);
}

TEST(KvCacheTest, HoldsWhatTheShortestLayerHolds) {
  // Whichever layer is shortest, also one in the middle, and by any amount.
  CacheShape shape = kShape;
  shape.num_layers = 7;
  for (std::size_t shortest = 0; shortest < 7; ++shortest) {
    for (const std::size_t held : {0, 1, 5}) {
      KvCache cache(shape);
      for (std::size_t layer = 0; layer < 7; ++layer) {
        AppendTo(cache, layer, 0, layer == shortest ? held : 6 + layer % 3);
      }
      EXPECT_EQ(cache.PastLen(), held)
          << "layer " << shortest << " holds fewest";
    }
  }
}

TEST(KvCacheTest, RefusesLayersThatAreNotThere) {
  KvCache cache(kShape);
  const KvCache& read_only = cache;
  EXPECT_EQ(&cache.Layer(2), &read_only.Layer(2));

  EXPECT_THROW(cache.Layer(3), ContractError);
  EXPECT_THROW(read_only.Layer(3), ContractError);
  EXPECT_THROW(cache.Layer(std::numeric_limits<std::size_t>::max()),
               ContractError);  // what -1 becomes

  for (const std::size_t num_layers : {1, 2, 9, 70, 300}) {
    KvCache other({.batch = 1,
                   .max_seq_len = 1,
                   .num_layers = num_layers,
                   .num_kv_heads = 1,
                   .head_dim = 1});
    const KvCache& read_only_other = other;
    EXPECT_EQ(&other.Layer(num_layers - 1),
              &read_only_other.Layer(num_layers - 1));
    EXPECT_THROW(other.Layer(num_layers), ContractError) << num_layers;
    EXPECT_THROW(read_only_other.Layer(num_layers), ContractError)
        << num_layers;
  }
}

// The shortest layer counts, whichever of many it is, and the longest may be
// cut; a token more than it holds is refused.
TEST(KvCacheTest, EveryLayerCountsForPastLenAndTruncate) {
  for (const std::size_t num_layers : {1, 2, 10, 70, 300}) {
    const CacheShape shape = {.batch = 1,
                              .max_seq_len = 9,
                              .num_layers = num_layers,
                              .num_kv_heads = 1,
                              .head_dim = 1};
    for (const std::size_t other :
         {std::size_t{0}, num_layers / 2, num_layers - 1}) {
      KvCache cache(shape);
      for (std::size_t layer = 0; layer < num_layers; ++layer) {
        AppendTokens(cache.Layer(layer), TokensOf(shape.Layer(), 0, 4));
      }
      AppendTokens(cache.Layer(other), TokensOf(shape.Layer(), 4, 5));
      SCOPED_TRACE("layer " + std::to_string(other) + " of " +
                   std::to_string(num_layers));
      EXPECT_EQ(cache.PastLen(), num_layers == 1 ? 5U : 4U);
      EXPECT_THROW(cache.Truncate(6), ContractError);
      cache.Truncate(5);  // nothing is longer
      EXPECT_EQ(cache.Layer(other).PastLen(), 5U);
      cache.Layer(other).Truncate(2);
      EXPECT_EQ(cache.PastLen(), 2U);
      cache.Truncate(num_layers == 1 ? 2 : 3);
      for (std::size_t layer = 0; layer < num_layers; ++layer) {
        EXPECT_EQ(cache.Layer(layer).PastLen(), layer == other ? 2U : 3U)
            << "layer " << layer;
      }
      cache.Reset();
      for (std::size_t layer = 0; layer < num_layers; ++layer) {
        EXPECT_EQ(cache.Layer(layer).PastLen(), 0U) << "layer " << layer;
      }
    }
  }
}

TEST(KvCacheTest, TruncateRefusesOneTokenMoreThanHundreds) {
  for (const std::size_t held : {9, 70, 300}) {
    const CacheShape shape = {.batch = 1,
                              .max_seq_len = held + 5,
                              .num_layers = 10,
                              .num_kv_heads = 1,
                              .head_dim = 1};
    KvCache cache(shape);
    for (std::size_t layer = 0; layer < 10; ++layer) {
      AppendTokens(cache.Layer(layer), TokensOf(shape.Layer(), 0, held));
    }
    EXPECT_THROW(cache.Truncate(held + 1), ContractError) << held;
    EXPECT_EQ(cache.PastLen(), held);
  }
}

TEST(KvCacheTest, ResetForgetsEveryLayer) {
  KvCache cache(kShape);
  for (std::size_t layer = 0; layer < 3; ++layer) AppendTo(cache, layer, 0, 4);

  cache.Reset();

  EXPECT_EQ(cache.PastLen(), 0U);
  for (std::size_t layer = 0; layer < 3; ++layer) {
    EXPECT_EQ(cache.Layer(layer).PastLen(), 0U) << "layer " << layer;
  }
}

TEST(KvCacheTest, CanBeUsedAgainAfterReset) {
  KvCache cache(kShape);
  for (std::size_t layer = 0; layer < 3; ++layer) AppendTo(cache, layer, 0, 8);
  cache.Reset();

  for (std::size_t layer = 0; layer < 3; ++layer) AppendTo(cache, layer, 3, 5);

  EXPECT_EQ(cache.PastLen(), 2U);
  EXPECT_EQ(cache.Layer(2).Keys()(0, 0, 0, 0), 20'030.0F);
}

TEST(KvCacheTest, TruncateCutsEveryLayerThatIsLongEnough) {
  KvCache cache(kShape);
  AppendTo(cache, 0, 0, 6);
  AppendTo(cache, 1, 0, 5);
  AppendTo(cache, 2, 0, 3);

  cache.Truncate(4);

  EXPECT_EQ(cache.Layer(0).PastLen(), 4U);
  EXPECT_EQ(cache.Layer(1).PastLen(), 4U);
  EXPECT_EQ(cache.Layer(2).PastLen(), 3U);
}

TEST(KvCacheTest, TruncateRefusesTokensThatWereNeverStored) {
  KvCache cache(kShape);
  for (std::size_t layer = 0; layer < 3; ++layer) AppendTo(cache, layer, 0, 3);

  EXPECT_THROW(cache.Truncate(4), ContractError);
  EXPECT_EQ(cache.PastLen(), 3U);
}

TEST(KvCacheTest, TruncateTakesWhatTheLongestLayerHoldsAndNoMore) {
  // Wherever the longest layer is: a pass may stop after any layer.
  for (std::size_t longest = 0; longest < 3; ++longest) {
    KvCache cache(kShape);
    const auto held = [&](std::size_t layer) {
      return layer == longest ? std::size_t{5} : 2 + layer % 2;
    };
    for (std::size_t layer = 0; layer < 3; ++layer) {
      AppendTo(cache, layer, 0, held(layer));
    }
    const auto expect_all = [&] {
      for (std::size_t layer = 0; layer < 3; ++layer) {
        EXPECT_EQ(cache.Layer(layer).PastLen(), held(layer))
            << "layer " << layer << ", the longest is " << longest;
      }
    };
    EXPECT_THROW(cache.Truncate(6), ContractError);
    expect_all();
    cache.Truncate(5);
    expect_all();
    cache.Truncate(4);
    EXPECT_EQ(cache.Layer(longest).PastLen(), 4U);
    EXPECT_THROW(cache.Truncate(5), ContractError);
    cache.Truncate(cache.PastLen());
    EXPECT_EQ(cache.Layer(longest).PastLen(), cache.PastLen());
    cache.Truncate(0);
    cache.Truncate(0);
    EXPECT_EQ(cache.PastLen(), 0U);
    EXPECT_THROW(cache.Truncate(1), ContractError);
  }
}

// The expected contents of a KvCache, recorded the slow way.
class Bookkeeping {
 public:
  explicit Bookkeeping(const CacheShape& shape)
      : cache_(shape), held_(shape.num_layers), all_(shape.num_layers) {
    for (std::size_t layer = 0; layer < shape.num_layers; ++layer) {
      all_[layer] = TokensOf(shape.Layer(), 0, shape.max_seq_len);
    }
  }

  void Append(std::size_t layer, std::size_t tokens, float salt) {
    const CacheShape& shape = cache_.Shape();
    const std::size_t begin = held_[layer];
    const Tensor4 keys = TokensOf(shape.Layer(), begin, begin + tokens, salt);
    AppendTokens(cache_.Layer(layer), keys);
    for (std::size_t b = 0; b < shape.batch; ++b) {
      for (std::size_t h = 0; h < shape.num_kv_heads; ++h) {
        CopyRows(HeadMatrix(keys, b, h), RowRange(HeadMatrix(all_[layer], b, h),
                                                  begin, begin + tokens));
      }
    }
    held_[layer] += tokens;
  }

  // Also more tokens than any layer holds: that must be refused.
  void Truncate(std::size_t past_len) {
    if (past_len > std::ranges::max(held_)) {
      EXPECT_THROW(cache_.Truncate(past_len), ContractError);
      return;
    }
    cache_.Truncate(past_len);
    for (std::size_t& held : held_) held = std::min(held, past_len);
  }

  void Reset() {
    cache_.Reset();
    std::ranges::fill(held_, 0);
  }

  ::testing::AssertionResult Agree() const {
    if (cache_.PastLen() != std::ranges::min(held_)) {
      return ::testing::AssertionFailure()
             << "PastLen() is " << cache_.PastLen() << ", the shortest layer "
             << "holds " << std::ranges::min(held_);
    }
    for (std::size_t layer = 0; layer < held_.size(); ++layer) {
      Tensor4 keys = TokensOf(cache_.Shape().Layer(), 0, held_[layer]);
      for (std::size_t b = 0; b < keys.shape(0); ++b) {
        for (std::size_t h = 0; h < keys.shape(1); ++h) {
          CopyRows({HeadMatrix(all_[layer], b, h).data, held_[layer],
                    keys.shape(3), keys.shape(3)},
                   HeadMatrix(keys, b, h));
        }
      }
      ::testing::AssertionResult holds = Holds(cache_.Layer(layer), keys);
      if (!holds) return holds << ", layer " << layer;
    }
    return ::testing::AssertionSuccess();
  }

  std::size_t Room(std::size_t layer) const {
    return cache_.Shape().max_seq_len - held_[layer];
  }
  std::size_t Longest() const { return std::ranges::max(held_); }

 private:
  KvCache cache_;
  std::vector<std::size_t> held_;  // by layer
  std::vector<Tensor4> all_;       // by layer: the last given to each position
};

class KvCacheInAnyOrderTest : public ::testing::TestWithParam<CacheShape> {};

TEST_P(KvCacheInAnyOrderTest, KeepsItsPromises) {
  // Filled, truncated and reset at random, in all orders, and compared as a
  // whole.
  Random random(31);
  Bookkeeping books(GetParam());
  for (std::size_t step = 0; step < 120; ++step) {
    const std::size_t layer = random.NextBelow(GetParam().num_layers);
    const std::size_t room = books.Room(layer);
    switch (random.NextBelow(8)) {
      case 0:
        books.Truncate(random.NextBelow(books.Longest() + 2));
        break;
      case 1:
        if (step % 5 == 0) books.Reset();
        break;
      case 2:  // to the brim
        books.Append(layer, room, static_cast<float>(step % 4));
        break;
      default:
        books.Append(layer,
                     random.NextBelow(std::min<std::size_t>(room, 100) + 1),
                     static_cast<float>(step % 4));
    }
    if (step % 4 == 3) {
      ASSERT_TRUE(books.Agree()) << "after operation " << step;
    }
  }
}

// Batch, tokens, layers, heads, head_dim.
INSTANTIATE_TEST_SUITE_P(
    Shapes, KvCacheInAnyOrderTest,
    ::testing::Values(CacheShape{5, 300, 6, 10, 3}, CacheShape{2, 6, 300, 2, 3},
                      CacheShape{1, 9, 70, 1, 1}, CacheShape{270, 5, 2, 1, 2},
                      CacheShape{1, 5, 2, 270, 2}, CacheShape{2, 5, 3, 2, 270},
                      CacheShape{1, 300, 2, 1, 270}));

TEST(KvCacheTest, ResetAndTruncateTouchAndAllocateNothing) {
  KvCache cache(kPages);
  std::vector<std::span<const float>> all;
  for (std::size_t layer = 0; layer < 2; ++layer) {
    AppendTokens(cache.Layer(layer), TokensOf(kPages.Layer(), 0, 12));
    const auto memory = MemoryOf(cache.Layer(layer), 0, 12);
    all.insert(all.end(), memory.begin(), memory.end());
  }

  EXPECT_TRUE(LeavesAlone(all, [&] { (void)cache.PastLen(); }));
  EXPECT_TRUE(LeavesAlone(all, [&] { (void)cache.Layer(1); }));
  EXPECT_TRUE(LeavesAlone(all, [&] { cache.Truncate(7); }))
      << "Truncate changes a number in each layer, not tokens";
  EXPECT_TRUE(LeavesAlone(all, [&] { cache.Reset(); }))
      << "Reset is a number in each layer: what comes next writes over the "
         "tokens";
  const std::uint64_t allocations = AllocationCount();
  (void)cache.PastLen();
  cache.Truncate(7);
  cache.Reset();
  EXPECT_EQ(AllocationCount() - allocations, 0U);
}

TEST(KvCacheTest, RefusesNoLayers) {
  CacheShape shape = kShape;
  EXPECT_EQ(KvCache(shape).PastLen(), 0U);
  shape.num_layers = 0;
  EXPECT_THROW(KvCache{shape}, ContractError);
}

}  // namespace
}  // namespace kvlab
