// Tests the contract of memory.h, task by task.
#include "modules/04_profiling/memory.h"

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/model/known_models.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab {

// For GoogleTest's messages.
void PrintTo(const LayerBytes& bytes, std::ostream* out) {
  *out << "{keys " << bytes.keys << ", values " << bytes.values << "}";
}

namespace {

// All sizes differ, so that mixing up two of them shows.
constexpr ModelShape kSmall = {.num_layers = 5,
                               .num_heads = 12,
                               .num_kv_heads = 4,
                               .head_dim = 6,
                               .max_positions = 100};
constexpr ModelShape kSmallWithWindow = {.num_layers = 5,
                                         .num_heads = 12,
                                         .num_kv_heads = 4,
                                         .head_dim = 6,
                                         .max_positions = 100,
                                         .window = 16};
// Bytes of a token of one row in float16: 2 * 5 * 4 * 6 * 2.
constexpr std::uint64_t kSmallTokenBytes = 480;

CacheUse Float16(std::size_t batch, std::size_t seq_len) {
  return {.batch = batch, .seq_len = seq_len, .bytes_per_element = 2};
}

// A model and a use of which every size is 1: a token of a row is 2 bytes.
constexpr ModelShape kOnes = {.num_layers = 1,
                              .num_heads = 1,
                              .num_kv_heads = 1,
                              .head_dim = 1,
                              .max_positions = 1};

// The same with one other size.
ModelShape OnesBut(std::size_t ModelShape::*size, std::size_t value) {
  ModelShape model = kOnes;
  model.*size = value;
  return model;
}
CacheUse OnesBut(std::size_t CacheUse::*size, std::size_t value) {
  CacheUse use = {.batch = 1, .seq_len = 1, .bytes_per_element = 1};
  use.*size = value;
  return use;
}

// ---- Task 4.1 ----------------------------------------------------------

struct KnownCache {
  std::string_view model;
  std::size_t bytes_per_element;
  std::uint64_t token_bytes;
  std::uint64_t full_context_bytes;
};

class KvCacheBytesOfKnownModels : public ::testing::TestWithParam<KnownCache> {
};

TEST_P(KvCacheBytesOfKnownModels, AreExact) {
  const KnownCache& known = GetParam();
  const ModelShape& model = FindKnownModel(known.model).shape;
  CacheUse use = {
      .batch = 1, .seq_len = 1, .bytes_per_element = known.bytes_per_element};
  EXPECT_EQ(KvCacheBytes(model, use), known.token_bytes);
  use.seq_len = model.max_positions;
  EXPECT_EQ(KvCacheBytes(model, use), known.full_context_bytes);
  use.batch = 7;
  EXPECT_EQ(KvCacheBytes(model, use), 7 * known.full_context_bytes);
}

INSTANTIATE_TEST_SUITE_P(
    KvCacheBytesTest, KvCacheBytesOfKnownModels,
    ::testing::Values(
        KnownCache{"DistilGPT2", 2, 18'432, 18'874'368},
        KnownCache{"DistilGPT2", 4, 36'864, 37'748'736},
        KnownCache{"GPT-2", 2, 36'864, 37'748'736},
        KnownCache{"GPT-2", 4, 73'728, 75'497'472},
        KnownCache{"Llama-2-7B", 2, 524'288, 2'147'483'648},
        KnownCache{"Llama-2-7B", 4, 1'048'576, 4'294'967'296},
        KnownCache{"Llama-3-8B", 2, 131'072, 1'073'741'824},
        KnownCache{"Llama-3-8B", 1, 65'536, 536'870'912},
        // 32,768 tokens of context, of which each layer keeps 4,096.
        KnownCache{"Mistral-7B v0.1", 2, 131'072, 536'870'912},
        KnownCache{"Mistral-7B v0.1", 4, 262'144, 1'073'741'824},
        KnownCache{"GPT-3 175B", 2, 4'718'592, 9'663'676'416},
        KnownCache{"GPT-3 175B", 4, 9'437'184, 19'327'352'832}),
    [](const ::testing::TestParamInfo<KnownCache>& info) {
      std::string name;
      for (const char letter : info.param.model) {
        if (std::isalnum(static_cast<unsigned char>(letter)) != 0) {
          name += letter;
        }
      }
      return name + "In" + std::to_string(info.param.bytes_per_element) +
             "Bytes";
    });

TEST(KvCacheBytesTest, AreTheBytesThatACacheOfModule3Reserves) {
  const KvCache cache({.batch = 3,
                       .max_seq_len = 9,
                       .num_layers = 5,
                       .num_kv_heads = 4,
                       .head_dim = 6});
  EXPECT_EQ(KvCacheBytes(kSmall, {.batch = 3, .seq_len = 9}), cache.Bytes());
}

TEST(KvCacheBytesTest, ThereMayBeNoTokens) {
  EXPECT_EQ(KvCacheBytes(kSmall, Float16(3, 0)), 0U);
  EXPECT_EQ(KvCacheBytes(kSmall, Float16(0, 3)), 0U);
}

// Every window with every length, batch and element size; heads are grouped, so
// that their query heads would give three times as much.
TEST(KvCacheBytesTest, CombineWindowsBatchesAndElementSizes) {
  constexpr std::size_t kLong = std::size_t{1} << 33U;
  struct Kept {
    std::size_t window;
    std::size_t seq_len;
    std::size_t tokens;
  };
  for (const Kept& kept :
       {Kept{0, 1, 1}, Kept{0, 300, 300}, Kept{1, 1, 1}, Kept{1, 300, 1},
        Kept{16, 15, 15}, Kept{16, 16, 16}, Kept{16, 17, 16},
        Kept{16, kLong, 16}, Kept{150, 120, 120}, Kept{150, 300, 150},
        Kept{kLong, kLong - 1, kLong - 1}, Kept{kLong, kLong + 1, kLong}}) {
    for (const std::size_t batch : {1, 5, 300}) {
      for (const std::size_t element_bytes : {1, 2, 4, 8}) {
        ModelShape model = kSmall;  // max_positions is 100
        model.window = kept.window;
        model.num_layers = batch + 4;  // many where there are many rows
        const CacheUse use = {.batch = batch,
                              .seq_len = kept.seq_len,
                              .bytes_per_element = element_bytes};
        const std::uint64_t layer = 4 * 6 * kept.tokens * batch * element_bytes;
        const std::string of = "window " + std::to_string(kept.window) + ", " +
                               std::to_string(kept.seq_len) +
                               " tokens, batch " + std::to_string(batch) +
                               ", " + std::to_string(element_bytes) +
                               " bytes each";
        EXPECT_EQ(KvCacheBreakdown(model, use),
                  std::vector<LayerBytes>(batch + 4,
                                          {.keys = layer, .values = layer}))
            << of;
        EXPECT_EQ(KvCacheBytes(model, use), (batch + 4) * 2 * layer) << of;
      }
    }
  }
}

// Each size alone, from 8 bits to far beyond 32.
TEST(KvCacheBytesTest, GrowWithEachSizeFarBeyond32Bits) {
  for (const std::size_t size :
       {std::size_t{3}, std::size_t{257}, std::size_t{65'537},
        (std::size_t{1} << 31U) + 1, (std::size_t{1} << 32U) + 1,
        (std::size_t{1} << 40U) + 1, (std::size_t{1} << 62U) + 1}) {
    const CacheUse ones = OnesBut(&CacheUse::batch, 1);
    for (const auto of : {&ModelShape::num_layers, &ModelShape::num_kv_heads,
                          &ModelShape::head_dim}) {
      EXPECT_EQ(KvCacheBytes(OnesBut(of, size), ones), 2 * size);
    }
    for (const auto of :
         {&CacheUse::batch, &CacheUse::seq_len, &CacheUse::bytes_per_element}) {
      EXPECT_EQ(KvCacheBytes(kOnes, OnesBut(of, size)), 2 * size);
    }
  }
}

TEST(KvCacheBytesTest, ReachTheLargestNumberOf64Bits) {
  const std::size_t half = ~std::size_t{0} / 2;  // 2^63 - 1
  EXPECT_EQ(KvCacheBytes(kOnes, OnesBut(&CacheUse::batch, half)),
            ~std::uint64_t{0} - 1);
  const CacheUse larger = OnesBut(&CacheUse::batch, half + 1);
  EXPECT_THROW(KvCacheBytes(kOnes, larger), ContractError);
  EXPECT_THROW(KvCacheBreakdown(kOnes, larger), ContractError);
}

TEST(KvCacheBytesTest, RefuseWhat64BitsCannotHold) {
  // 2^62 bytes for the keys of one layer, as many for its values.
  ModelShape huge = {.num_layers = 1,
                     .num_heads = 1,
                     .num_kv_heads = 1,
                     .head_dim = 1,
                     .max_positions = 1};
  const CacheUse use = {.batch = std::size_t{1} << 31U,
                        .seq_len = std::size_t{1} << 31U,
                        .bytes_per_element = 1};
  EXPECT_EQ(KvCacheBytes(huge, use), std::uint64_t{1} << 63U);
  huge.num_layers = 2;  // each layer fits, the two together do not
  EXPECT_THROW(KvCacheBytes(huge, use), ContractError);
  huge.num_layers = 1;
  huge.head_dim = 2;
  EXPECT_THROW(KvCacheBytes(huge, use), ContractError);
}

TEST(KvCacheBytesTest, RefuseAProductThatWrapsToALargerNumber) {
  // 5 * 10^19 is 13.1 * 10^18 in 64 bits, more than any of its factors.
  const CacheUse use = {
      .batch = 5'000'000'007, .seq_len = 1, .bytes_per_element = 5'000'000'009};
  EXPECT_THROW(KvCacheBytes(kOnes, use), ContractError);
  EXPECT_THROW(KvCacheBreakdown(kOnes, use), ContractError);
  ModelShape deep = kOnes;
  deep.num_layers = 5'000'000'009;
  EXPECT_THROW(KvCacheBytes(deep, OnesBut(&CacheUse::batch, 5'000'000'007)),
               ContractError);
}

TEST(KvCacheBreakdownTest, HasHalfKeysAndHalfValuesInEveryLayer) {
  // 4 heads of 6 numbers, 9 tokens of 3 rows, 2 bytes each
  const LayerBytes layer = {.keys = 4 * 6 * 9 * 3 * 2,
                            .values = 4 * 6 * 9 * 3 * 2};
  EXPECT_EQ(KvCacheBreakdown(kSmall, Float16(3, 9)),
            std::vector<LayerBytes>(5, layer));
}

TEST(KvCacheBreakdownTest, HasAnEntryForEachOfManyLayers) {
  ModelShape deep = kSmall;
  for (const std::size_t layers : {0, 1, 2, 65, 257}) {
    deep.num_layers = layers;
    EXPECT_EQ(KvCacheBreakdown(deep, Float16(1, 1)),
              std::vector<LayerBytes>(
                  layers, {.keys = 4 * 6 * 2, .values = 4 * 6 * 2}));
  }
}

TEST(KvCacheBreakdownTest, AddsUpToTheWhole) {
  for (const KnownModel& model : kKnownModels) {
    for (const std::size_t seq_len : {1, 1000, 5000}) {
      std::uint64_t sum = 0;
      for (const LayerBytes& layer :
           KvCacheBreakdown(model.shape, Float16(3, seq_len))) {
        sum += layer.keys + layer.values;
      }
      EXPECT_EQ(sum, KvCacheBytes(model.shape, Float16(3, seq_len)))
          << model.name << ", " << seq_len << " tokens";
    }
  }
}

TEST(KvCacheBreakdownTest, AWindowKeepsTheNewestTokensOfEachLayer) {
  for (const std::size_t seq_len : {1, 15, 16}) {
    EXPECT_EQ(KvCacheBreakdown(kSmallWithWindow, Float16(2, seq_len)),
              KvCacheBreakdown(kSmall, Float16(2, seq_len)))
        << seq_len << " tokens";
  }
  for (const std::size_t seq_len : {17, 100}) {
    EXPECT_EQ(KvCacheBreakdown(kSmallWithWindow, Float16(2, seq_len)),
              KvCacheBreakdown(kSmall, Float16(2, 16)))
        << seq_len << " tokens";
  }
}

// ---- Task 4.2 ----------------------------------------------------------

TEST(LongestContextTest, IsWhatStillFits) {
  for (const std::size_t batch : {1, 3}) {
    for (const std::size_t seq_len : {1, 2, 50, 99}) {
      const std::uint64_t exact = kSmallTokenBytes * batch * seq_len;
      EXPECT_EQ(LongestContext(kSmall, Float16(batch, 0), exact), seq_len);
      EXPECT_EQ(LongestContext(kSmall, Float16(batch, 0), exact - 1),
                seq_len - 1);
      EXPECT_EQ(LongestContext(kSmall, Float16(batch, 0), exact + 1), seq_len);
    }
  }
}

TEST(LongestContextTest, EndsWhereTheModelDoes) {
  EXPECT_EQ(LongestContext(kSmall, Float16(1, 0), 100 * kSmallTokenBytes),
            100U);
  EXPECT_EQ(LongestContext(kSmall, Float16(1, 0), 101 * kSmallTokenBytes),
            100U);
  EXPECT_EQ(LongestContext(kSmall, Float16(1, 0), ~std::uint64_t{0}), 100U);
}

TEST(LongestContextTest, IsTheModelsOnceItsWindowFits) {
  EXPECT_EQ(
      LongestContext(kSmallWithWindow, Float16(1, 0), 15 * kSmallTokenBytes),
      15U);
  EXPECT_EQ(
      LongestContext(kSmallWithWindow, Float16(1, 0), 16 * kSmallTokenBytes),
      100U);
}

// The header literally: it fits, and one more token does not, or exceeds the
// model's positions. Windows shorter and longer than the 100 positions, with
// batches, element sizes and budgets around what fits.
// Every size beyond 8 bits, or just within.
TEST(KvCacheBytesTest, AreTheProductOfLargeSizesToo) {
  const std::vector<std::size_t> sizes = {2, 3, 9, 65, 257, 300};
  for (const std::size_t size : sizes) {
    for (const std::size_t window : {std::size_t{0}, size}) {
      const ModelShape model = {.num_layers = size,
                                .num_heads = 2 * size,
                                .num_kv_heads = size,
                                .head_dim = size + 1,
                                .max_positions = size + 5,
                                .window = window};
      const CacheUse use = {
          .batch = size + 2, .seq_len = size, .bytes_per_element = size + 3};
      const std::uint64_t token =
          size * size * (size + 1) * (size + 2) * (size + 3);  // of keys
      EXPECT_EQ(KvCacheBytes(model, use), 2 * token * size);
      EXPECT_EQ(
          KvCacheBreakdown(model, use),
          std::vector<LayerBytes>(size, {.keys = token, .values = token}));
      const std::uint64_t row = 2 * token * size / (size + 2);
      EXPECT_EQ(LargestBatch(model, use, row * 300 - 1), 299U);
      EXPECT_EQ(LargestBatch(model, use, row * 300), 300U);
      EXPECT_EQ(LongestContext(model, use, 2 * token * (size - 1)), size - 1);
      EXPECT_EQ(LongestContext(model, use, 2 * token * size - 1), size - 1);
      EXPECT_EQ(LongestContext(model, use, 2 * token * (size + 9)),
                model.max_positions);
    }
  }
}

TEST(LongestContextTest, FitsAndOneTokenMoreDoesNot) {
  for (const std::size_t window : {0, 1, 16, 99, 100, 101, 250}) {
    for (const std::size_t batch : {1, 5}) {
      for (const std::size_t element_bytes : {1, 2, 4}) {
        ModelShape model = kSmall;
        model.window = window;
        CacheUse use = {.batch = batch,
                        .seq_len = 777,  // is ignored
                        .bytes_per_element = element_bytes};
        const std::uint64_t token = 2 * 5 * 4 * 6 * batch * element_bytes;
        for (const std::uint64_t tokens :
             {0, 1, 15, 16, 17, 98, 99, 100, 101, 150, 249, 250, 1000}) {
          for (const std::uint64_t more : {std::uint64_t{0}, token - 1}) {
            const std::uint64_t budget = token * tokens + more;
            const std::size_t longest = LongestContext(model, use, budget);
            const std::string of = "window " + std::to_string(window) +
                                   ", batch " + std::to_string(batch) + ", " +
                                   std::to_string(budget) + " bytes";
            ASSERT_LE(longest, 100U) << of;
            CacheUse filled = use;
            filled.seq_len = longest;
            EXPECT_LE(KvCacheBytes(model, filled), budget) << of;
            filled.seq_len = longest + 1;
            EXPECT_TRUE(longest == 100 || KvCacheBytes(model, filled) > budget)
                << of << ": " << longest << " is not the largest";
          }
        }
      }
    }
  }
}

TEST(LongestContextTest, CountsFarBeyond32Bits) {
  ModelShape model = OnesBut(&ModelShape::max_positions, ~std::size_t{0});
  const CacheUse bytes = OnesBut(&CacheUse::seq_len, 0);
  for (const std::uint64_t tokens :
       {(std::uint64_t{1} << 31U) - 1, std::uint64_t{1} << 31U,
        (std::uint64_t{1} << 31U) + 5, (std::uint64_t{1} << 32U) + 5,
        (std::uint64_t{1} << 53U) + 1, ~std::uint64_t{0} / 2}) {
    model.window = 0;
    EXPECT_EQ(LongestContext(model, bytes, 2 * tokens), tokens);
    EXPECT_EQ(LongestContext(model, bytes, 2 * tokens - 1), tokens - 1);
    model.window = tokens;
    EXPECT_EQ(LongestContext(model, bytes, 2 * tokens - 1), tokens - 1);
    EXPECT_EQ(LongestContext(model, bytes, 2 * tokens), model.max_positions);
  }
}

TEST(LongestContextTest, IsNoneWhereNotOneTokenFits) {
  EXPECT_EQ(LongestContext(kSmall, Float16(3, 0), 0), 0U);
  EXPECT_EQ(LongestContext(kSmall, Float16(3, 0), 3 * kSmallTokenBytes - 1),
            0U);
  ModelShape nowhere = kSmall;
  nowhere.max_positions = 0;
  EXPECT_EQ(LongestContext(nowhere, Float16(3, 0), 1 << 20), 0U);
}

TEST(LongestContextTest, MayBeAskedOfAnyNumberOfLayers) {
  ModelShape deep = kSmall;
  deep.num_layers = std::size_t{1} << 40U;
  const std::uint64_t token = 2 * deep.num_layers * 4 * 6 * 2;
  EXPECT_EQ(KvCacheBytes(deep, Float16(1, 7)), 7 * token);
  EXPECT_EQ(LongestContext(deep, Float16(1, 0), 7 * token), 7U);
  EXPECT_EQ(LargestBatch(deep, Float16(0, 1), 7 * token), 7U);
}

TEST(LongestContextTest, RefusesTokensThatTakeNothing) {
  EXPECT_EQ(LongestContext(kSmall, Float16(1, 5), 1000), 2U);
  EXPECT_THROW(LongestContext(kSmall, Float16(0, 5), 1000), ContractError);
  EXPECT_THROW(
      LongestContext(kSmall, OnesBut(&CacheUse::bytes_per_element, 0), 1000),
      ContractError);
  EXPECT_THROW(LongestContext({}, Float16(1, 5), 1000), ContractError);
  for (const auto size : {&ModelShape::num_layers, &ModelShape::num_kv_heads,
                          &ModelShape::head_dim}) {
    const ModelShape model = OnesBut(size, 0);
    EXPECT_THROW(LongestContext(model, Float16(1, 5), 1000), ContractError);
    EXPECT_THROW(LargestBatch(model, Float16(1, 5), 1000), ContractError);
  }
}

TEST(LongestContextTest, RefusesTokensThat64BitsCannotCount) {
  const std::uint64_t all = ~std::uint64_t{0};
  EXPECT_THROW(LongestContext(kSmall, Float16(all / 2, 1), all), ContractError);
  EXPECT_THROW(LargestBatch(kSmall, Float16(1, all / 2), all), ContractError);
}

TEST(LargestBatchTest, IsWhatStillFits) {
  for (const std::size_t seq_len : {1, 7, 100}) {
    for (const std::size_t batch : {1, 2, 40}) {
      const std::uint64_t exact = kSmallTokenBytes * batch * seq_len;
      EXPECT_EQ(LargestBatch(kSmall, Float16(0, seq_len), exact), batch);
      EXPECT_EQ(LargestBatch(kSmall, Float16(0, seq_len), exact - 1),
                batch - 1);
      EXPECT_EQ(LargestBatch(kSmall, Float16(0, seq_len), exact + 1), batch);
    }
  }
}

TEST(LargestBatchTest, CountsTheUsersOfALanguageModel) {
  // 24 GiB hold Llama-3-8B's weights in float16 and 9 caches of full context;
  // Llama-2-7B's cache is twice as large at half the context.
  constexpr std::uint64_t kMemory = std::uint64_t{24} << 30U;
  const KnownModel& llama3 = FindKnownModel("Llama-3-8B");
  const KnownModel& llama2 = FindKnownModel("Llama-2-7B");
  EXPECT_EQ(LargestBatch(llama3.shape, Float16(1, 8192),
                         kMemory - 2 * llama3.parameters),
            9U);
  EXPECT_EQ(LargestBatch(llama2.shape, Float16(1, 4096),
                         kMemory - 2 * llama2.parameters),
            5U);
}

TEST(LargestBatchTest, FitsAndOneRowMoreDoesNot) {
  for (const std::size_t window : {0, 1, 16, 250}) {
    for (const std::size_t seq_len : {1, 15, 16, 17, 100, 1000}) {
      for (const std::size_t element_bytes : {1, 4}) {
        ModelShape model = kSmall;
        model.window = window;
        CacheUse use = {.batch = ~std::size_t{0},  // is ignored
                        .seq_len = seq_len,
                        .bytes_per_element = element_bytes};
        for (const std::uint64_t budget :
             {std::uint64_t{0}, std::uint64_t{239}, std::uint64_t{240},
              std::uint64_t{123'457}, std::uint64_t{1} << 33U}) {
          const std::size_t batch = LargestBatch(model, use, budget);
          CacheUse filled = use;
          filled.batch = batch;
          EXPECT_LE(KvCacheBytes(model, filled), budget);
          filled.batch = batch + 1;
          EXPECT_GT(KvCacheBytes(model, filled), budget);
        }
      }
    }
  }
}

TEST(LargestBatchTest, CountsFarBeyond32Bits) {
  const CacheUse token = OnesBut(&CacheUse::batch, 1);
  const std::uint64_t all = ~std::uint64_t{0};
  EXPECT_EQ(LargestBatch(kOnes, token, std::uint64_t{1} << 33U),
            std::uint64_t{1} << 32U);
  EXPECT_EQ(LargestBatch(kOnes, token, all), all / 2);
}

TEST(LargestBatchTest, KnowsTheWindow) {
  EXPECT_EQ(LargestBatch(kSmallWithWindow, Float16(1, 100),
                         3 * 16 * kSmallTokenBytes),
            3U);
}

TEST(LargestBatchTest, RefusesRowsThatTakeNothing) {
  EXPECT_EQ(LargestBatch(kSmall, Float16(5, 1), 1000), 2U);
  EXPECT_THROW(LargestBatch(kSmall, Float16(5, 0), 1000), ContractError);
  EXPECT_THROW(
      LargestBatch(kSmall, OnesBut(&CacheUse::bytes_per_element, 0), 1000),
      ContractError);
}

}  // namespace
}  // namespace kvlab
