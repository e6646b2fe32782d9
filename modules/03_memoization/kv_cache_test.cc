// Keeps the promises of kv_cache.h, task by task. Element [b, h, s, d] of a
// numbered token holds the number bhsd, so a wrong 1230 names its home: batch
// 1, head 2, position 3. Values are the keys plus 0.5.
#include "modules/03_memoization/kv_cache.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/copy.h"
#include "kit/error.h"
#include "kit/tensor.h"
#include "kit/testing.h"
#include "modules/03_memoization/allocation_counter.h"

namespace kvlab {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr CacheShape kShape = {.batch = 2,
                               .max_seq_len = 8,
                               .num_layers = 3,
                               .num_kv_heads = 3,
                               .head_dim = 4};

Tensor4 KeysOf(std::size_t begin, std::size_t end) {
  return NumberedTokens(2, 3, begin, end, 4);
}

Tensor4 ValuesOf(std::size_t begin, std::size_t end) {
  Tensor4 values = KeysOf(begin, end);
  for (float& value : values) value += 0.5F;
  return values;
}

// A layer that holds positions 0 .. tokens - 1.
LayerCache Filled(std::size_t tokens) {
  LayerCache cache(kShape);
  cache.Append(KeysOf(0, tokens), ValuesOf(0, tokens));
  return cache;
}

void ExpectHolds(const LayerCache& cache, std::size_t tokens) {
  EXPECT_EQ(cache.PastLen(), tokens);
  EXPECT_TRUE(Same(cache.Keys(), KeysOf(0, tokens)));
  EXPECT_TRUE(Same(cache.Values(), ValuesOf(0, tokens)));
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

TEST(CacheBytesTest, AreTheBytesThatACacheReserves) {
  EXPECT_EQ(KvCache(kShape).Bytes(), CacheBytes(kShape, sizeof(float)));
}

// ---- Task 3.3 ----------------------------------------------------------

TEST(LayerCacheTest, AppendPutsNewTokensBehindOldOnes) {
  // Given a cache holding a prompt of 3 tokens
  LayerCache cache(kShape);
  cache.Append(KeysOf(0, 3), ValuesOf(0, 3));

  // When one more token is decoded
  cache.Append(KeysOf(3, 4), ValuesOf(3, 4));

  // Then all 4 stand in order, in every batch row and head
  ExpectHolds(cache, 4);
}

TEST(LayerCacheTest, AppendTakesAnyNumberOfTokens) {
  for (std::size_t first = 0; first <= 8; ++first) {
    for (std::size_t second = first; second <= 8; ++second) {
      LayerCache cache(kShape);
      cache.Append(KeysOf(0, first), ValuesOf(0, first));
      cache.Append(KeysOf(first, second), ValuesOf(first, second));
      cache.Append(KeysOf(second, 8), ValuesOf(second, 8));
      ExpectHolds(cache, 8);
    }
  }
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
                cache.Append(NumberedTokens(2, 4, 2, 3, 4), ValuesOf(2, 3));
              }),
              AllOf(HasSubstr("keys"), HasSubstr("[2, 4, 1, 4]"),
                    HasSubstr("[2, 3, 1, 4]")));
  EXPECT_THAT(MessageOf<ContractError>(
                  [&] { cache.Append(KeysOf(2, 3), ValuesOf(2, 4)); }),
              AllOf(HasSubstr("values"), HasSubstr("[2, 3, 2, 4]")));
  EXPECT_THROW(cache.Append(NumberedTokens(1, 3, 2, 3, 4), ValuesOf(2, 3)),
               ContractError);
  ExpectHolds(cache, 2);
}

// ---- Task 3.4 ----------------------------------------------------------

TEST(LayerCacheTest, IsEmptyAtFirst) {
  const LayerCache cache(kShape);

  EXPECT_EQ(cache.PastLen(), 0U);
  EXPECT_EQ(cache.Keys().shape(2), 0U);
  EXPECT_EQ(cache.Values().shape(2), 0U);
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
  ExpectHolds(cache, 3);
}

TEST(LayerCacheTest, ReservesItsBytesAtOnce) {
  LayerCache cache(kShape);
  const std::uint64_t bytes = 2U * 2 * 3 * 8 * 4 * sizeof(float);

  EXPECT_EQ(cache.Bytes(), bytes);
  cache.Append(KeysOf(0, 5), ValuesOf(0, 5));
  EXPECT_EQ(cache.Bytes(), bytes);
}

TEST(LayerCacheTest, RefusesSizesOfZero) {
  CacheShape shape = kShape;
  EXPECT_EQ(LayerCache(shape).Keys().shape(3), 4U);
  shape.head_dim = 0;
  EXPECT_THROW(LayerCache{shape}, ContractError);
  shape = kShape;
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

TEST(KvCacheTest, RefusesLayersThatAreNotThere) {
  KvCache cache(kShape);
  const KvCache& read_only = cache;
  EXPECT_EQ(&cache.Layer(2), &read_only.Layer(2));

  EXPECT_THROW(cache.Layer(3), ContractError);
  EXPECT_THROW(read_only.Layer(3), ContractError);
  EXPECT_THROW(cache.Layer(std::numeric_limits<std::size_t>::max()),
               ContractError);  // what -1 becomes
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

TEST(KvCacheTest, RefusesNoLayers) {
  CacheShape shape = kShape;
  EXPECT_EQ(KvCache(shape).PastLen(), 0U);
  shape.num_layers = 0;
  EXPECT_THROW(KvCache{shape}, ContractError);
}

}  // namespace
}  // namespace kvlab
