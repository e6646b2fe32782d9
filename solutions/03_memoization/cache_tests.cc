#include "modules/03_memoization/cache_tests.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/tensor/tensor.h"
#include "modules/03_memoization/cache_shape.h"

namespace kvlab {
namespace {

// Given. Small, and no two sizes are the same.
constexpr CacheShape kShape = {.batch = 2,
                               .max_seq_len = 6,
                               .num_layers = 4,
                               .num_kv_heads = 3,
                               .head_dim = 5};

// Given. The tokens of positions begin to end - 1: [batch, num_kv_heads,
// tokens, head_dim]. No element is equal to another, so a wrong place shows.
//   first: what element [0, 0, 0, 0] of position 0 holds, in (-1, 1)
Tensor4 Tokens(const CacheShape& shape, std::size_t begin, std::size_t end,
               float first = 0.0F) {
  Tensor4 tokens = Tensor4::from_shape(
      {shape.batch, shape.num_kv_heads, end - begin, shape.head_dim});
  for (std::size_t b = 0; b < shape.batch; ++b) {
    for (std::size_t h = 0; h < shape.num_kv_heads; ++h) {
      for (std::size_t s = begin; s < end; ++s) {
        for (std::size_t d = 0; d < shape.head_dim; ++d) {
          const std::size_t place =
              ((b * shape.num_kv_heads + h) * shape.max_seq_len + s) *
                  shape.head_dim +
              d;
          tokens(b, h, s - begin, d) = first + static_cast<float>(place);
        }
      }
    }
  }
  return tokens;
}

// Given, an example of a test.
void ATokenTooManyIsRefused(CacheMaker& maker) {
  // Given a layer that is full
  const std::unique_ptr<TestedCache> cache = maker.Make(kShape);
  cache->Append(0, Tokens(kShape, 0, 6), Tokens(kShape, 0, 6, 0.5F));

  // When one more token comes, then it is refused
  ExpectRefusal(
      [&] {
        cache->Append(0, Tokens(kShape, 0, 1), Tokens(kShape, 0, 1, 0.5F));
      },
      "a seventh token in a layer with room for 6");
}

// BEGIN SOLUTION-ONLY
// Appends positions begin to end - 1 to a layer. Layers differ by an eighth,
// and values from keys by a half.
void Fill(TestedCache& cache, std::size_t layer, std::size_t begin,
          std::size_t end) {
  const float first = 0.125F * static_cast<float>(layer);
  cache.Append(layer, Tokens(kShape, begin, end, first),
               Tokens(kShape, begin, end, first + 0.5F));
}

// Fails unless the layer holds positions 0 to past_len - 1, as Fill wrote them.
void ExpectHolds(const TestedCache& cache, const LayerLength& held) {
  const auto& [layer, tokens] = held;
  const float first = 0.125F * static_cast<float>(layer);
  const std::string who = "layer " + std::to_string(layer);
  Expect(cache.LayerPastLen(layer) == tokens,
         who + " counts the tokens that it holds");
  Expect(SameNumbers(cache.Keys(layer), Tokens(kShape, 0, tokens, first)),
         who + " has the keys that were appended");
  Expect(
      SameNumbers(cache.Values(layer), Tokens(kShape, 0, tokens, first + 0.5F)),
      who + " has the values that were appended");
}

// A cache whose layers hold so many tokens.
std::unique_ptr<TestedCache> Holding(CacheMaker& maker,
                                     const std::vector<std::size_t>& tokens) {
  std::unique_ptr<TestedCache> cache = maker.Make(kShape);
  for (std::size_t layer = 0; layer < tokens.size(); ++layer) {
    Fill(*cache, layer, 0, tokens[layer]);
  }
  return cache;
}

void ANewCacheIsEmpty(CacheMaker& maker) {
  const std::unique_ptr<TestedCache> cache = maker.Make(kShape);
  for (std::size_t layer = 0; layer < 4; ++layer) {
    ExpectHolds(*cache, {.layer = layer, .past_len = 0});
  }
  Expect(cache->PastLen() == 0, "no token is held");
}

void NewTokensFollowThoseHeld(CacheMaker& maker) {
  const std::unique_ptr<TestedCache> cache = maker.Make(kShape);
  Fill(*cache, 1, 0, 3);
  ExpectHolds(*cache, {.layer = 1, .past_len = 3});
  Fill(*cache, 1, 3, 4);
  ExpectHolds(*cache, {.layer = 1, .past_len = 4});
  Fill(*cache, 1, 4, 6);
  ExpectHolds(*cache, {.layer = 1, .past_len = 6});
}

void EveryHeadIsStored(CacheMaker& maker) {
  // More heads, rows and positions than small models have.
  const CacheShape wide = {.batch = 9,
                           .max_seq_len = 70,
                           .num_layers = 1,
                           .num_kv_heads = 20,
                           .head_dim = 3};
  const std::unique_ptr<TestedCache> cache = maker.Make(wide);
  cache->Append(0, Tokens(wide, 0, 66), Tokens(wide, 0, 66, 0.5F));
  cache->Append(0, Tokens(wide, 66, 70), Tokens(wide, 66, 70, 0.5F));
  Expect(SameNumbers(cache->Keys(0), Tokens(wide, 0, 70)), "all keys are held");
  Expect(SameNumbers(cache->Values(0), Tokens(wide, 0, 70, 0.5F)),
         "all values are held");
}

void NoTokensMayBeAppended(CacheMaker& maker) {
  for (const std::size_t held : {0, 2, 6}) {
    const std::unique_ptr<TestedCache> cache = Holding(maker, {held});
    Fill(*cache, 0, held, held);
    ExpectHolds(*cache, {.layer = 0, .past_len = held});
  }
}

void WhatIsRefusedChangesNothing(CacheMaker& maker) {
  const std::unique_ptr<TestedCache> cache = Holding(maker, {4, 4, 4, 4});
  ExpectRefusal([&] { Fill(*cache, 2, 3, 6); }, "3 tokens where 2 fit");
  const CacheShape other = {.batch = 2,
                            .max_seq_len = 6,
                            .num_layers = 4,
                            .num_kv_heads = 2,
                            .head_dim = 5};
  ExpectRefusal(
      [&] { cache->Append(2, Tokens(kShape, 4, 5), Tokens(other, 4, 5)); },
      "values of another number of heads");
  ExpectHolds(*cache, {.layer = 2, .past_len = 4});
}

void LayersAreSeparate(CacheMaker& maker) {
  const std::unique_ptr<TestedCache> cache = Holding(maker, {3, 1, 4, 2});
  ExpectHolds(*cache, {.layer = 0, .past_len = 3});
  ExpectHolds(*cache, {.layer = 1, .past_len = 1});
  ExpectHolds(*cache, {.layer = 2, .past_len = 4});
  ExpectHolds(*cache, {.layer = 3, .past_len = 2});
}

void LayersThatAreNotThereAreRefused(CacheMaker& maker) {
  const std::unique_ptr<TestedCache> cache = maker.Make(kShape);
  ExpectRefusal([&] { cache->LayerPastLen(4); }, "layer 4 of 4");
  ExpectRefusal([&] { cache->Keys(static_cast<std::size_t>(-1)); }, "layer -1");
  ExpectRefusal([&] { cache->TruncateLayer({.layer = 4, .past_len = 0}); },
                "layer 4 of 4");
}

void PastLenIsThatOfTheShortestLayer(CacheMaker& maker) {
  for (std::size_t shortest = 0; shortest < 4; ++shortest) {
    std::vector<std::size_t> tokens = {5, 4, 5, 4};
    tokens[shortest] = 2;
    Expect(Holding(maker, tokens)->PastLen() == 2,
           "PastLen() is that of the shortest layer, whichever it is");
  }
}

void TruncateForgetsTheLastTokens(CacheMaker& maker) {
  const std::unique_ptr<TestedCache> cache = Holding(maker, {5, 2, 4, 3});
  cache->Truncate(3);
  ExpectHolds(*cache, {.layer = 0, .past_len = 3});
  ExpectHolds(*cache, {.layer = 1, .past_len = 2});
  ExpectHolds(*cache, {.layer = 2, .past_len = 3});
  ExpectHolds(*cache, {.layer = 3, .past_len = 3});
  // What comes next takes their place.
  Fill(*cache, 0, 3, 6);
  ExpectHolds(*cache, {.layer = 0, .past_len = 6});
}

void TruncateTakesWhatTheLongestLayerHolds(CacheMaker& maker) {
  const std::unique_ptr<TestedCache> cache = Holding(maker, {2, 5, 3, 4});
  ExpectRefusal([&] { cache->Truncate(6); }, "6 tokens where 5 are held");
  cache->Truncate(5);
  ExpectHolds(*cache, {.layer = 1, .past_len = 5});
  cache->Truncate(4);
  ExpectHolds(*cache, {.layer = 0, .past_len = 2});
  ExpectHolds(*cache, {.layer = 1, .past_len = 4});
  ExpectHolds(*cache, {.layer = 3, .past_len = 4});
}

void ALayerIsTruncatedAlone(CacheMaker& maker) {
  const std::unique_ptr<TestedCache> cache = Holding(maker, {4, 4, 4, 4});
  cache->TruncateLayer({.layer = 2, .past_len = 1});
  ExpectHolds(*cache, {.layer = 2, .past_len = 1});
  ExpectHolds(*cache, {.layer = 0, .past_len = 4});
  ExpectHolds(*cache, {.layer = 3, .past_len = 4});
  // Stored once, but forgotten; and never stored.
  ExpectRefusal([&] { cache->TruncateLayer({.layer = 2, .past_len = 2}); },
                "2 tokens where 1 is held");
  ExpectRefusal([&] { cache->TruncateLayer({.layer = 3, .past_len = 5}); },
                "5 tokens where 4 are held");
  ExpectHolds(*cache, {.layer = 2, .past_len = 1});
}

void ResetForgetsEveryLayer(CacheMaker& maker) {
  const std::unique_ptr<TestedCache> cache = Holding(maker, {3, 6, 2, 4});
  cache->Reset();
  Expect(cache->PastLen() == 0, "no token is held after Reset()");
  for (std::size_t layer = 0; layer < 4; ++layer) {
    ExpectHolds(*cache, {.layer = layer, .past_len = 0});
    Fill(*cache, layer, 0, 2);
    ExpectHolds(*cache, {.layer = layer, .past_len = 2});
  }
}

void BytesAreTheProductOfTheHeader(CacheMaker& maker) {
  const CacheShape gpt2 = {.batch = 1,
                           .max_seq_len = 1024,
                           .num_layers = 12,
                           .num_kv_heads = 12,
                           .head_dim = 64};
  Expect(maker.BytesOf(gpt2, 4) == 75'497'472, "GPT-2 has 75,497,472 bytes");
  Expect(maker.Make(kShape)->Bytes() == 2 * 2 * 6 * 4 * 3 * 5 * sizeof(float),
         "Bytes() is the product of the sizes");
}

void BytesAreExact(CacheMaker& maker) {
  // An odd number of 62 bits, twice: no double has so many.
  const CacheShape large = {.batch = 1'000'003,
                            .max_seq_len = 2'147'483'647,
                            .num_layers = 3,
                            .num_kv_heads = 7,
                            .head_dim = 101};
  const std::uint64_t bytes =
      std::uint64_t{2} * 3 * 7 * 101 * 2'147'483'647 * 1'000'003;
  Expect(maker.BytesOf(large, 1) == bytes, "large products are exact");
}

void BytesThatDoNotFitAreRefused(CacheMaker& maker) {
  constexpr std::size_t kHuge = std::size_t{1} << 31U;
  CacheShape huge = {.batch = kHuge,
                     .max_seq_len = kHuge,
                     .num_layers = kHuge,
                     .num_kv_heads = kHuge,
                     .head_dim = kHuge};
  ExpectRefusal([&] { maker.BytesOf(huge, 4); }, "a product of 2^158");
  huge.batch = 0;
  Expect(maker.BytesOf(huge, 4) == 0, "a size of 0 makes the product 0");
}
// END SOLUTION-ONLY

}  // namespace

std::vector<CacheTest> CacheTests() {
  // TODO(3.11): a list of tests, one for each promise that a cache can break.
  // BEGIN SOLUTION CacheTests
  return {
      {"a token too many is refused", ATokenTooManyIsRefused},
      {"a new cache is empty", ANewCacheIsEmpty},
      {"new tokens follow those held", NewTokensFollowThoseHeld},
      {"every head is stored", EveryHeadIsStored},
      {"no tokens may be appended", NoTokensMayBeAppended},
      {"what is refused changes nothing", WhatIsRefusedChangesNothing},
      {"layers are separate", LayersAreSeparate},
      {"layers that are not there are refused",
       LayersThatAreNotThereAreRefused},
      {"PastLen is that of the shortest layer",
       PastLenIsThatOfTheShortestLayer},
      {"Truncate forgets the last tokens", TruncateForgetsTheLastTokens},
      {"Truncate takes what the longest layer holds",
       TruncateTakesWhatTheLongestLayerHolds},
      {"a layer is truncated alone", ALayerIsTruncatedAlone},
      {"Reset forgets every layer", ResetForgetsEveryLayer},
      {"bytes are the product of the header", BytesAreTheProductOfTheHeader},
      {"bytes are exact", BytesAreExact},
      {"bytes that do not fit are refused", BytesThatDoNotFitAreRefused},
  };
}

}  // namespace kvlab
