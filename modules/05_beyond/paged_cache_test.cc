// Tests the contracts of block_pool.h and paged_cache.h, tasks 5.3 and 5.4.
// Every element of every token is another number, and a plain model says what
// each sequence holds (paged_twin.h).
#include "modules/05_beyond/paged_cache.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/model/random.h"
#include "kit/tensor/copy.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"
#include "modules/05_beyond/block_pool.h"
#include "modules/05_beyond/paged_twin.h"

namespace kvlab {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNan;

// 6 blocks of 4 tokens.
constexpr PageShape kShape = {.num_blocks = 6,
                              .block_size = 4,
                              .num_layers = 2,
                              .num_kv_heads = 2,
                              .head_dim = 3};

std::vector<BlockId> TableOf(const PagedCache& cache, SequenceId sequence) {
  const std::span<const BlockId> table = cache.Table(sequence);
  return {table.begin(), table.end()};
}

// ---- Task 5.3: the pool ---------------------------------------------------

TEST(BlockPoolTest, TakesEachBlockOnce) {
  BlockPool pool(kShape);
  EXPECT_EQ(pool.FreeBlocks(), 6U);
  std::set<BlockId> taken;
  for (std::size_t i = 1; i <= 6; ++i) {
    const BlockId block = pool.Take();
    EXPECT_LT(block, 6U);
    taken.insert(block);
    EXPECT_EQ(taken.size(), i) << "block " << block << " was taken twice";
    EXPECT_EQ(pool.Owners(block), 1U);
    EXPECT_EQ(pool.BlocksInUse(), i);
  }
}

TEST(BlockPoolTest, RefusesToTakeFromAFullPool) {
  BlockPool pool(kShape);
  for (std::size_t i = 0; i < 6; ++i) pool.Take();

  EXPECT_THROW(pool.Take(), ContractError);

  EXPECT_EQ(pool.BlocksInUse(), 6U);
  EXPECT_EQ(pool.Bytes(), 2U * 6 * 4 * 2 * 2 * 3 * sizeof(float));
}

TEST(BlockPoolTest, ReleasesABlockWithItsLastOwner) {
  BlockPool pool(kShape);
  const BlockId block = pool.Take();
  pool.Share(block);
  pool.Share(block);
  EXPECT_EQ(pool.Owners(block), 3U);
  for (const std::size_t left : {2U, 1U}) {
    pool.Release(block);
    EXPECT_EQ(pool.Owners(block), left);
    EXPECT_EQ(pool.FreeBlocks(), 5U)
        << "the block is free, and still has " << left << " owners";
  }
  pool.Release(block);
  EXPECT_EQ(pool.Owners(block), 0U);
  EXPECT_EQ(pool.FreeBlocks(), 6U);
}

TEST(BlockPoolTest, RefusesToReleaseABlockTwice) {
  BlockPool pool(kShape);
  const BlockId block = pool.Take();
  const BlockId other = pool.Take();
  pool.Release(block);

  EXPECT_THROW(pool.Release(block), ContractError);
  EXPECT_THROW(pool.Share(block), ContractError);

  // The free list has it once: the next five blocks are different.
  EXPECT_EQ(pool.FreeBlocks(), 5U);
  std::set<BlockId> taken = {other};
  for (std::size_t i = 0; i < 5; ++i) taken.insert(pool.Take());
  EXPECT_EQ(taken.size(), 6U);
}

TEST(BlockPoolTest, RefusesBlocksThatDoNotExist) {
  for (const std::size_t blocks : {6, 300}) {
    PageShape shape = kShape;
    shape.num_blocks = blocks;
    BlockPool pool(shape);
    for (std::size_t i = 0; i < blocks; ++i) pool.Take();
    for (const BlockId none :
         {blocks, blocks + 1000, std::numeric_limits<std::size_t>::max()}) {
      EXPECT_THROW(pool.Share(none), ContractError) << none;
      EXPECT_THROW(pool.Release(none), ContractError) << none;
    }
    EXPECT_EQ(pool.BlocksInUse(), blocks);
  }
}

TEST(BlockPoolTest, CountsMoreThan256OwnersAndBlocks) {
  PageShape shape = kShape;
  shape.num_blocks = 300;
  BlockPool pool(shape);
  for (std::size_t i = 0; i < 300; ++i) pool.Take();
  EXPECT_THROW(pool.Take(), ContractError);
  for (std::size_t i = 1; i < 300; ++i) pool.Share(299);
  EXPECT_EQ(pool.Owners(299), 300U);
  for (std::size_t i = 1; i < 300; ++i) pool.Release(299);
  EXPECT_EQ(pool.Owners(299), 1U);
  EXPECT_EQ(pool.FreeBlocks(), 0U);
}

TEST(BlockPoolTest, KeepsItsPromisesAtEverySize) {
  for (const auto& [num_blocks, block_size, num_layers, num_kv_heads,
                    head_dim] : {std::array<std::size_t, 5>{300, 300, 1, 1, 1},
                                 {300, 1, 300, 1, 1},
                                 {300, 1, 1, 300, 1},
                                 {300, 1, 1, 1, 300}}) {
    BlockPool pool({.num_blocks = num_blocks,
                    .block_size = block_size,
                    .num_layers = num_layers,
                    .num_kv_heads = num_kv_heads,
                    .head_dim = head_dim});
    for (const std::size_t round : {1U, 2U}) {
      std::set<BlockId> taken;
      for (std::size_t i = 0; i < 300; ++i) taken.insert(pool.Take());
      EXPECT_EQ(taken.size(), 300U) << "different blocks, round " << round;
      EXPECT_EQ(*taken.rbegin(), 299U);
      EXPECT_THROW(pool.Take(), ContractError) << "no block is free";
      for (const BlockId block : taken) {
        ASSERT_EQ(pool.Owners(block), 1U) << block;
        pool.Share(block);
        ASSERT_EQ(pool.Owners(block), 2U) << block;
        pool.Release(block);
        ASSERT_EQ(pool.FreeBlocks(), block) << "it has an owner left";
        pool.Release(block);
        ASSERT_EQ(pool.Owners(block), 0U) << block;
        ASSERT_EQ(pool.FreeBlocks(), block + 1);
        ASSERT_THROW(pool.Release(block), ContractError) << block;
        ASSERT_THROW(pool.Share(block), ContractError) << block;
      }
      EXPECT_THROW(pool.Share(300), ContractError);
      EXPECT_THROW(pool.Release(300), ContractError);
      EXPECT_EQ(pool.FreeBlocks(), 300U);
    }
  }
}

TEST(BlockPoolTest, RefusesSizesOfZero) {
  for (const auto size :
       {&PageShape::num_blocks, &PageShape::block_size, &PageShape::num_layers,
        &PageShape::num_kv_heads, &PageShape::head_dim}) {
    PageShape shape = kShape;
    shape.*size = 0;
    EXPECT_THROW(BlockPool{shape}, ContractError);
    shape.*size = 1;
    EXPECT_LT(BlockPool(shape).Take(), shape.num_blocks);
  }
}

// ---- Task 5.3: sequences --------------------------------------------------

TEST(PagedCacheTest, ASequenceTakesABlockWhenTheLastIsFull) {
  PagedTwin twin(kShape);
  const SequenceId sequence = twin.Start();
  EXPECT_EQ(twin.Cache().Counts().blocks_in_use, 0U);
  for (std::size_t tokens = 1; tokens <= 12; ++tokens) {
    twin.Append({{sequence, 1}});
    // ceil(tokens / 4)
    EXPECT_EQ(twin.Cache().Counts().blocks_in_use, (tokens + 3) / 4);
    ASSERT_TRUE(twin.Agree()) << tokens << " tokens";
  }
}

TEST(PagedCacheTest, AppendCrossesBordersOfBlocks) {
  // Every first length with every second one, up to the whole pool.
  for (std::size_t first = 0; first <= 24; ++first) {
    for (std::size_t second = 0; first + second <= 24; ++second) {
      PagedTwin twin(kShape);
      const SequenceId sequence = twin.Start();
      twin.Append({{sequence, first}});
      twin.Append({{sequence, second}});
      ASSERT_TRUE(twin.Agree()) << first << " tokens, then " << second;
    }
  }
}

TEST(PagedCacheTest, BlocksOfEverySizeHoldEveryToken) {
  // P is 1, odd, the number of tokens, one more and one less, and beyond 256.
  for (const std::size_t block_size : {1U, 3U, 9U, 10U, 11U, 300U}) {
    for (const std::size_t tokens : {10U, 301U}) {
      PageShape shape = kShape;
      shape.block_size = block_size;
      shape.num_blocks = (tokens + block_size - 1) / block_size;
      PagedTwin twin(shape);
      const SequenceId sequence = twin.Start();
      twin.Append({{sequence, tokens - 2}});
      twin.Append({{sequence, 1}});
      twin.Append({{sequence, 1}});
      EXPECT_TRUE(twin.Agree()) << tokens << " in blocks of " << block_size;
      EXPECT_TRUE(twin.LeavesNothing());
    }
  }
}

TEST(PagedCacheTest, ManyLayersHeadsAndFeaturesAreStored) {
  for (const auto& [layers, heads, head_dim] :
       {std::array<std::size_t, 3>{70, 1, 2}, {2, 70, 2}, {1, 2, 270}}) {
    PagedTwin twin({.num_blocks = 3,
                    .block_size = 2,
                    .num_layers = layers,
                    .num_kv_heads = heads,
                    .head_dim = head_dim});
    const SequenceId sequence = twin.Start();
    twin.Append({{sequence, 5}});
    EXPECT_TRUE(twin.Agree())
        << layers << " layers, " << heads << " heads of " << head_dim;
  }
}

TEST(PagedCacheTest, RowsOfABatchMayHaveDifferentLengths) {
  PagedTwin twin(kShape);
  const SequenceId a = twin.Start();
  const SequenceId b = twin.Start();
  const SequenceId c = twin.Start();
  twin.Append({{a, 5}, {b, 1}, {c, 0}});  // padded on the left
  ASSERT_TRUE(twin.Agree());
  twin.Append({{c, 2}, {a, 4}});  // other rows, in another order
  ASSERT_TRUE(twin.Agree());
  twin.Append({{b, 3}, {c, 3}, {a, 1}});
  ASSERT_TRUE(twin.Agree());
  EXPECT_EQ(twin.Cache().Len(a), 10U);
  EXPECT_EQ(twin.Cache().Counts().tokens_appended, 19U);
}

TEST(PagedCacheTest, AppendMovesNoStoredToken) {
  PagedTwin twin(kShape);
  const SequenceId sequence = twin.Start();
  twin.Append({{sequence, 6}});
  const std::vector<BlockId> before = TableOf(twin.Cache(), sequence);
  const std::uint64_t copied = CopiedBytes();
  twin.Append({{sequence, 3}});

  // Keys and values of 3 tokens in 2 layers, 2 heads of 3.
  EXPECT_LE(CopiedBytes() - copied, 2U * 3 * 2 * 2 * 3 * sizeof(float));
  const std::vector<BlockId> after = TableOf(twin.Cache(), sequence);
  EXPECT_THAT(before, ElementsAre(after[0], after[1]));
}

TEST(PagedCacheTest, AFullPoolRefusesAllRowsAndChangesNothing) {
  PagedTwin twin(kShape);
  const SequenceId a = twin.Start();
  const SequenceId b = twin.Start();
  twin.Append({{a, 7}, {b, 9}});  // 2 + 3 blocks, 1 is free
  // a alone would fit, and b alone; together they need 2 blocks.
  EXPECT_FALSE(twin.Append({{a, 2}, {b, 4}}));
  ASSERT_TRUE(twin.Agree()) << "after a refused append";
  EXPECT_FALSE(twin.Append({{b, 3}, {a, 6}}));
  ASSERT_TRUE(twin.Agree()) << "after a refused append";
  const std::vector<Extension> rows = {{a, 2}, {b, 4}};
  EXPECT_THROW(twin.Cache().Extend(rows), ContractError);

  // What fits still does, to the last slot of the last block.
  EXPECT_TRUE(twin.Append({{a, 1}, {b, 3}}));
  EXPECT_TRUE(twin.Append({{a, 4}}));
  EXPECT_FALSE(twin.Append({{a, 1}}));
  EXPECT_TRUE(twin.Append({{a, 0}, {b, 0}}));
  EXPECT_TRUE(twin.Agree());
  EXPECT_TRUE(twin.LeavesNothing());
}

TEST(PagedCacheTest, TruncateGivesUpBlocksThatHoldNothing) {
  for (std::size_t kept = 0; kept <= 11; ++kept) {
    PagedTwin twin(kShape);
    const SequenceId other = twin.Start();
    const SequenceId sequence = twin.Start();
    twin.Append({{sequence, 5}, {other, 5}});
    twin.Append({{sequence, 6}});
    twin.Truncate(sequence, kept);
    ASSERT_TRUE(twin.Agree()) << "11 tokens truncated to " << kept;
    // Other tokens take the place of the forgotten ones.
    ASSERT_TRUE(twin.Append({{sequence, 16 - kept}}));
    ASSERT_TRUE(twin.Agree()) << "truncated to " << kept << ", then filled";
    EXPECT_TRUE(twin.LeavesNothing());
  }
}

TEST(PagedCacheTest, TruncateRefusesTokensThatAreNotHeld) {
  PagedTwin twin(kShape);
  const SequenceId sequence = twin.Start();
  twin.Append({{sequence, 5}});
  EXPECT_THROW(twin.Cache().Truncate(sequence, 6), ContractError);
  EXPECT_THROW(
      twin.Cache().Truncate(sequence, std::numeric_limits<std::size_t>::max()),
      ContractError);
  EXPECT_TRUE(twin.Agree());
}

TEST(PagedCacheTest, ReleasedBlocksAreUsedAgain) {
  PagedTwin twin(kShape);
  SequenceId holder = twin.Start();
  twin.Append({{holder, 24}});
  for (std::size_t round = 0; round < 5; ++round) {
    const SequenceId next = twin.Start();
    EXPECT_FALSE(twin.Append({{next, 1}}));
    twin.Release(holder);
    EXPECT_TRUE(twin.Append({{next, 24}})) << "round " << round;
    ASSERT_TRUE(twin.Agree());
    holder = next;
  }
  EXPECT_TRUE(twin.LeavesNothing());
}

TEST(PagedCacheTest, RefusesAReleasedSequenceEverywhere) {
  PagedTwin twin(kShape);
  const SequenceId gone = twin.Start();
  const SequenceId other = twin.Start();
  twin.Append({{gone, 5}, {other, 5}});
  twin.Release(gone);
  PagedCache& cache = twin.Cache();
  const std::vector<SequenceId> rows = {gone};
  const Tensor4 tokens = Tensor4::from_shape({1, 2, 1, 3});

  EXPECT_THAT(MessageOf<ContractError>([&] { cache.Release(gone); }),
              HasSubstr("was released"));
  EXPECT_THROW(cache.Truncate(gone, 0), ContractError);
  EXPECT_THROW(cache.Extend(std::vector<Extension>{{other, 1}, {gone, 1}}),
               ContractError);
  EXPECT_THROW(cache.Write(0, rows, tokens, tokens), ContractError);
  EXPECT_THROW(cache.Attend(0, rows, tokens), ContractError);
  EXPECT_THROW(cache.Len(gone), ContractError);
  EXPECT_THROW(cache.Release(SequenceId{77}), ContractError);
  EXPECT_TRUE(twin.Agree());
  // Its number is not used again.
  EXPECT_NE(twin.Start().number, gone.number);
}

TEST(PagedCacheTest, WriteRefusesOtherShapesAndChangesNothing) {
  PagedTwin twin(kShape);
  const SequenceId sequence = twin.Start();
  twin.Append({{sequence, 3}});
  PagedCache& cache = twin.Cache();
  const std::vector<SequenceId> rows = {sequence};
  const auto write = [&](const std::array<std::size_t, 4>& keys,
                         const std::array<std::size_t, 4>& values,
                         std::size_t layer) {
    cache.Write(layer, rows, Tensor4::from_shape(keys),
                Tensor4::from_shape(values));
  };
  EXPECT_THAT(MessageOf<ContractError>([&] {
                write({1, 2, 3, 4}, {1, 2, 3, 3}, 0);
              }),
              AllOf(HasSubstr("keys"), HasSubstr("[1, 2, 3, 4]")));
  EXPECT_THROW(write({1, 2, 3, 3}, {1, 1, 3, 3}, 0), ContractError);
  EXPECT_THROW(write({2, 2, 3, 3}, {2, 2, 3, 3}, 0), ContractError);
  EXPECT_THROW(write({1, 2, 3, 3}, {1, 2, 3, 3}, 2), ContractError);
  EXPECT_THAT(MessageOf<ContractError>([&] {
                write({1, 2, 2, 3}, {1, 2, 2, 3}, 0);
              }),
              HasSubstr("too few tokens"));
  EXPECT_THROW(
      cache.Extend(std::vector<Extension>{{sequence, 1}, {sequence, 1}}),
      ContractError);
  EXPECT_TRUE(twin.Agree());
}

// What no token has written stays NaN, so that reading it shows.
TEST(PagedCacheTest, WriteLeavesTheRestOfItsBlocksAlone) {
  PageShape shape = kShape;
  shape.block_size = 16;
  PagedTwin twin(shape);
  const SequenceId sequence = twin.Start();
  twin.Append({{sequence, 12}});
  ASSERT_TRUE(twin.Agree());
  const PagedCache& cache = twin.Cache();
  const BlockId block = cache.Table(sequence).front();
  for (std::size_t layer = 0; layer < shape.num_layers; ++layer) {
    for (std::size_t head = 0; head < shape.num_kv_heads; ++head) {
      const BlockPlace place = {block, layer, head};
      for (std::size_t row = 12; row < shape.block_size; ++row) {
        EXPECT_THAT(cache.Pool().Keys(place).Row(row), Each(IsNan())) << row;
        EXPECT_THAT(cache.Pool().Values(place).Row(row), Each(IsNan())) << row;
      }
    }
  }
}

TEST(PagedCacheTest, WriteFillsWhatTheLastExtendMadeRoomFor) {
  PagedTwin twin(kShape);
  const SequenceId sequence = twin.Start();
  twin.Append({{sequence, 6}});
  // After a Truncate nothing is left to write: all columns are padding.
  twin.Truncate(sequence, 5);
  Tensor4 tokens = Tensor4::from_shape({1, 2, 2, 3});
  tokens.fill(-1);
  twin.Cache().Write(1, std::vector<SequenceId>{sequence}, tokens, tokens);
  EXPECT_TRUE(twin.Agree());
}

// ---- Task 5.3: attention --------------------------------------------------

// A cache of random keys and values whose rows hold `lens` tokens. Blocks of
// the rows alternate, and none of them is where its number would put it.
struct RandomBatch {
  PagedCache cache;
  std::vector<SequenceId> rows;
};

RandomBatch MakeBatch(const PageShape& shape,
                      const std::vector<std::size_t>& lens, Random& random) {
  RandomBatch batch = {.cache = PagedCache(shape), .rows = {}};
  // Taken and given back, so that the free list is not in order.
  const SequenceId before = batch.cache.Start();
  batch.cache.Extend(std::vector<Extension>{
      {before, shape.num_blocks / 2 * shape.block_size}});
  for (std::size_t b = 0; b < lens.size(); ++b) {
    batch.rows.push_back(batch.cache.Start());
  }
  batch.cache.Release(before);
  const std::size_t longest = *std::ranges::max_element(lens);
  for (std::size_t begin = 0; begin < longest; begin += shape.block_size) {
    std::vector<Extension> extensions;
    for (std::size_t b = 0; b < lens.size(); ++b) {
      extensions.push_back(
          {batch.rows[b],
           std::min(shape.block_size, lens[b] - std::min(lens[b], begin))});
    }
    batch.cache.Extend(extensions);
    for (std::size_t layer = 0; layer < shape.num_layers; ++layer) {
      const std::array<std::size_t, 4> tokens = {
          lens.size(), shape.num_kv_heads, shape.block_size, shape.head_dim};
      batch.cache.Write(layer, batch.rows, RandomTensor4(random, tokens),
                        RandomTensor4(random, tokens));
    }
  }
  return batch;
}

// Sums of head_dim products and of up to 320 weighted values, all of size 1.
constexpr float kTolerance = 2e-5F;

TEST(PagedCacheTest, AttendEqualsAttentionOverContiguousKeys) {
  Random random(53);
  // Blocks of 1, fewer than, as many as, and more than the tokens held.
  for (const std::size_t block_size : {1U, 2U, 5U, 6U, 7U, 16U}) {
    const PageShape shape = {.num_blocks = 40,
                             .block_size = block_size,
                             .num_layers = 2,
                             .num_kv_heads = 2,
                             .head_dim = 5};
    const RandomBatch batch = MakeBatch(shape, {6, 6, 6}, random);
    for (const std::size_t new_len : {1U, 3U, 6U}) {
      for (std::size_t layer = 0; layer < 2; ++layer) {
        const Tensor4 queries = RandomTensor4(random, {3, 2, new_len, 5});
        EXPECT_TRUE(Near(batch.cache.Attend(layer, batch.rows, queries),
                         AttendPlainly(batch.cache, layer, batch.rows, queries),
                         kTolerance))
            << new_len << " queries, blocks of " << block_size;
      }
    }
  }
}

TEST(PagedCacheTest, AttendFollowsTheTableOfEachRow) {
  // Rows of different lengths, one of them empty, in any order; the first
  // queries of a short row are padding.
  Random random(54);
  const PageShape shape = {.num_blocks = 20,
                           .block_size = 4,
                           .num_layers = 1,
                           .num_kv_heads = 2,
                           .head_dim = 3};
  const RandomBatch batch = MakeBatch(shape, {9, 1, 4, 0, 13}, random);
  const std::vector<SequenceId> rows = {batch.rows[4], batch.rows[1],
                                        batch.rows[3], batch.rows[0],
                                        batch.rows[2]};
  for (const std::size_t new_len : {1U, 5U, 14U}) {
    const Tensor4 queries = RandomTensor4(random, {5, 2, new_len, 3});
    EXPECT_TRUE(Near(batch.cache.Attend(0, rows, queries),
                     AttendPlainly(batch.cache, 0, rows, queries), kTolerance))
        << new_len << " queries";
  }
}

TEST(PagedCacheTest, AttendSharesKeyValueHeadsInGroups) {
  Random random(55);
  const PageShape shape = {.num_blocks = 8,
                           .block_size = 3,
                           .num_layers = 1,
                           .num_kv_heads = 2,
                           .head_dim = 4};
  const RandomBatch batch = MakeBatch(shape, {7, 5}, random);
  const Tensor4 queries = RandomTensor4(random, {2, 6, 2, 4});
  EXPECT_TRUE(Near(batch.cache.Attend(0, batch.rows, queries),
                   AttendPlainly(batch.cache, 0, batch.rows, queries),
                   kTolerance));
}

TEST(PagedCacheTest, AttendSeesHundredsOfTokens) {
  // In 80 blocks and in 65, the last one with one token.
  Random random(56);
  const PageShape shape = {.num_blocks = 200,
                           .block_size = 4,
                           .num_layers = 1,
                           .num_kv_heads = 1,
                           .head_dim = 9};
  const RandomBatch batch = MakeBatch(shape, {320, 257}, random);
  const Tensor4 queries = RandomTensor4(random, {2, 1, 70, 9});
  EXPECT_TRUE(Near(batch.cache.Attend(0, batch.rows, queries),
                   AttendPlainly(batch.cache, 0, batch.rows, queries),
                   kTolerance));
}

enum class Forks { kNone, kSome };

// Rows that get one token or two, and then hundreds or a few, most of them
// padded; then more for the last one or, with forks, for it and its fork, which
// copies its last block.
struct LargeBatch {
  std::size_t rows = 3;
  std::size_t tokens = 6;
  std::size_t query_heads = 2;  // on each of keys and values
  std::size_t queries = 3;
  PageShape shape = {.num_blocks = 0,  // as many as the rows take, and some
                     .block_size = 4,
                     .num_layers = 2,
                     .num_kv_heads = 1,
                     .head_dim = 1};
};

void ExpectLargeBatchAgrees(LargeBatch batch, Forks forks) {
  Random random(batch.rows + batch.shape.head_dim);
  const std::size_t each =
      (batch.tokens + 3 + batch.shape.block_size) / batch.shape.block_size;
  batch.shape.num_blocks = (batch.rows + 2) * each;
  SCOPED_TRACE(std::to_string(batch.rows) + " rows of " +
               std::to_string(batch.tokens) + " tokens, " +
               std::to_string(batch.shape.block_size) + " in a block, " +
               std::to_string(batch.shape.num_layers) + " layers, " +
               std::to_string(batch.shape.num_kv_heads) + " heads of " +
               std::to_string(batch.shape.head_dim));
  PagedTwin twin(batch.shape);
  std::vector<SequenceId> sequences;
  std::vector<Extension> first;
  std::vector<Extension> second;
  for (std::size_t b = 0; b < batch.rows; ++b) {
    sequences.push_back(twin.Start());
    first.push_back({sequences.back(), 1 + b % 2});
    second.push_back({sequences.back(), batch.tokens - b % 3});
  }
  ASSERT_TRUE(twin.Append(first));
  ASSERT_TRUE(twin.Append(second));
  if (forks == Forks::kSome) {
    const SequenceId fork = twin.Fork(sequences.back());
    ASSERT_TRUE(twin.Append({{fork, 1}, {sequences.back(), 2}}));
    ASSERT_TRUE(twin.Agree());
    return;
  }
  ASSERT_TRUE(twin.Append({{sequences.back(), 2}}));
  ASSERT_TRUE(twin.Agree());
  ASSERT_TRUE(twin.AttendAgrees(
      sequences,
      {.heads_per_kv_head = batch.query_heads, .new_len = batch.queries},
      random));
}

// Of any two of rows, new tokens, query heads, layers, key/value heads,
// features and tokens of a block.
std::vector<LargeBatch> LargeBatches() {
  const std::vector<void (*)(LargeBatch&)> sizes = {
      [](LargeBatch& batch) { batch.rows = 260; },
      [](LargeBatch& batch) { batch.tokens = 265; },
      [](LargeBatch& batch) { batch.query_heads = 260; },
      [](LargeBatch& batch) {
        batch.shape.num_kv_heads = 265;
        batch.query_heads = batch.query_heads > 2 ? 260 : 1;
      },
      [](LargeBatch& batch) { batch.shape.num_layers = 260; },
      [](LargeBatch& batch) { batch.shape.head_dim = 260; },
      [](LargeBatch& batch) {
        batch.shape.block_size = 270;
        batch.tokens = std::max<std::size_t>(batch.tokens, 264);
      }};
  std::vector<LargeBatch> batches;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      LargeBatch& batch = batches.emplace_back();
      sizes[j](batch);
      sizes[i](batch);
      if (batch.query_heads > 2) batch.queries = 1;
    }
  }
  return batches;
}

TEST(PagedCacheTest, AnyTwoSizesMayBeHundreds) {
  for (const LargeBatch& batch : LargeBatches()) {
    ASSERT_NO_FATAL_FAILURE(ExpectLargeBatchAgrees(batch, Forks::kNone));
  }
}

TEST(PagedCacheTest, HundredsOfQueriesOfHundredsOfAnything) {
  const std::vector<void (*)(LargeBatch&)> sizes = {
      [](LargeBatch& batch) { batch.rows = 260; },
      [](LargeBatch& batch) { batch.query_heads = 260; },
      [](LargeBatch& batch) { batch.shape.num_kv_heads = 260; },
      [](LargeBatch& batch) { batch.shape.head_dim = 260; },
      [](LargeBatch& batch) { batch.shape.block_size = 300; },
      [](LargeBatch& batch) { batch.tokens = 590; }};
  for (const auto& size : sizes) {
    LargeBatch batch = {
        .rows = 1, .tokens = 262, .query_heads = 1, .queries = 258};
    size(batch);
    ASSERT_NO_FATAL_FAILURE(ExpectLargeBatchAgrees(batch, Forks::kNone));
  }
}

TEST(PagedCacheTest, AttendCountsItsWork) {
  Random random(57);
  const PageShape shape = {.num_blocks = 8,
                           .block_size = 4,
                           .num_layers = 1,
                           .num_kv_heads = 1,
                           .head_dim = 3};
  const RandomBatch batch = MakeBatch(shape, {7, 5}, random);
  const Tensor4 queries = RandomTensor4(random, {2, 2, 2, 3});
  const WorkCounts before = CountedWork();
  batch.cache.Attend(0, batch.rows, queries);
  const WorkCounts work = CountedWork() - before;

  // From the pairs that are visible to all pairs: 2 heads, 2 products of 3.
  EXPECT_GE(work[Work::kAttention], 2U * (6 + 7 + 4 + 5) * 2 * 3);
  EXPECT_LE(work[Work::kAttention], 2U * (7 + 7 + 5 + 5) * 2 * 3);
  EXPECT_EQ(work.Total(), work[Work::kAttention]);
}

TEST(PagedCacheTest, AttendRefusesOtherShapes) {
  Random random(58);
  const RandomBatch batch = MakeBatch(kShape, {5, 3}, random);
  const auto attend = [&](const std::array<std::size_t, 4>& queries,
                          std::size_t layer) {
    batch.cache.Attend(layer, batch.rows, Tensor4::from_shape(queries));
  };
  EXPECT_THROW(attend({2, 2, 1, 4}, 0), ContractError);
  EXPECT_THROW(attend({3, 2, 1, 3}, 0), ContractError);
  EXPECT_THROW(attend({2, 3, 1, 3}, 0), ContractError);
  EXPECT_THROW(attend({2, 2, 1, 3}, 2), ContractError);
}

// ---- Task 5.4: forks ------------------------------------------------------

TEST(ForkTest, SharesAllBlocksAndCopiesNothing) {
  PagedTwin twin(kShape);
  const SequenceId sequence = twin.Start();
  twin.Append({{sequence, 6}});
  const std::uint64_t copied = CopiedBytes();
  const SequenceId fork = twin.Fork(sequence);

  EXPECT_EQ(CopiedBytes(), copied);
  EXPECT_EQ(TableOf(twin.Cache(), fork), TableOf(twin.Cache(), sequence));
  EXPECT_EQ(twin.Cache().Counts().blocks_in_use, 2U);
  EXPECT_TRUE(twin.Agree());
}

TEST(ForkTest, FirstWriteCopiesThePartlyFilledBlockAlone) {
  for (const bool fork_writes : {true, false}) {
    PagedTwin twin(kShape);
    const SequenceId sequence = twin.Start();
    twin.Append({{sequence, 10}});
    const SequenceId fork = twin.Fork(sequence);
    const SequenceId writes = fork_writes ? fork : sequence;
    const std::vector<BlockId> before = TableOf(twin.Cache(), writes);
    twin.Append({{writes, 1}});

    const std::vector<BlockId> after = TableOf(twin.Cache(), writes);
    EXPECT_EQ(after[0], before[0]);
    EXPECT_EQ(after[1], before[1]);
    EXPECT_NE(after[2], before[2])
        << "the block has two owners, and is written";
    EXPECT_EQ(twin.Cache().Counts().blocks_copied, 1U);
    EXPECT_EQ(twin.Cache().Counts().blocks_in_use, 4U);
    ASSERT_TRUE(twin.Agree());

    // The other is its only owner now, and writes in place.
    twin.Append({{fork_writes ? sequence : fork, 1}});
    twin.Append({{writes, 1}});
    EXPECT_EQ(twin.Cache().Counts().blocks_copied, 1U);
    EXPECT_TRUE(twin.Agree());
    EXPECT_TRUE(twin.LeavesNothing());
  }
}

TEST(ForkTest, AFullSharedBlockIsNeverCopied) {
  PagedTwin twin(kShape);
  const SequenceId sequence = twin.Start();
  twin.Append({{sequence, 8}});
  const SequenceId fork = twin.Fork(sequence);
  twin.Append({{fork, 1}, {sequence, 1}});
  EXPECT_EQ(twin.Cache().Counts().blocks_copied, 0U);
  EXPECT_EQ(twin.Cache().Counts().blocks_in_use, 4U);
  EXPECT_TRUE(twin.Agree());
}

TEST(ForkTest, AppendOfNothingCopiesNothing) {
  PagedTwin twin(kShape);
  const SequenceId sequence = twin.Start();
  twin.Append({{sequence, 6}});
  const SequenceId fork = twin.Fork(sequence);
  twin.Append({{fork, 0}, {sequence, 0}});
  EXPECT_EQ(twin.Cache().Counts().blocks_copied, 0U);
  EXPECT_TRUE(twin.Agree());
}

TEST(ForkTest, ManySamplesOfOnePromptHoldItsFullBlocksOnce) {
  // 30 samples of a prompt of 10 tokens in blocks of 4.
  PageShape shape = kShape;
  shape.num_blocks = 2 + 30;
  PagedTwin twin(shape);
  std::vector<SequenceId> samples = {twin.Start()};
  twin.Append({{samples[0], 10}});
  while (samples.size() < 30) samples.push_back(twin.Fork(samples[0]));
  std::vector<Extension> step;
  step.reserve(samples.size());
  for (const SequenceId sample : samples) step.push_back({sample, 1});
  EXPECT_TRUE(twin.Append(step));

  // Two full blocks together; the third is the last sample's own after 29
  // copies.
  EXPECT_EQ(twin.Cache().Counts().blocks_in_use, 2U + 30);
  EXPECT_EQ(twin.Cache().Counts().blocks_copied, 29U);
  EXPECT_TRUE(twin.Agree());
  EXPECT_TRUE(twin.LeavesNothing());
}

TEST(ForkTest, BlocksOfAnySizesAreCopied) {
  for (const LargeBatch& batch : LargeBatches()) {
    if (batch.rows > 9 || batch.query_heads > 9) continue;
    ASSERT_NO_FATAL_FAILURE(ExpectLargeBatchAgrees(batch, Forks::kSome));
  }
}

// Rows of one append: samples that copy their last block, one that gets no
// token, and one whose last block is full, so that it takes a new one.
TEST(ForkTest, AfterHundredsOfCopiesOthersNeedNone) {
  for (const std::size_t samples : {3U, 12U, 70U, 300U}) {
    SCOPED_TRACE(std::to_string(samples) + " samples");
    PageShape shape = kShape;
    // The prompt has 2 blocks, the full sequence 1; what the rows need is what
    // is left.
    shape.num_blocks = 2 + 1 + samples + 1;
    PagedTwin twin(shape);
    const SequenceId prompt = twin.Start();
    const SequenceId full = twin.Start();
    twin.Append({{prompt, 6}, {full, 4}});
    std::vector<Extension> rows;
    for (std::size_t i = 0; i < samples; ++i) {
      rows.push_back({twin.Fork(prompt), 1});
    }
    rows.push_back({twin.Fork(prompt), 0});
    rows.push_back({twin.Fork(full), 1});
    EXPECT_FALSE(twin.Append(
        {{full, 1}, {rows.back().sequence, 1}, {twin.Start(), samples * 4}}));
    EXPECT_TRUE(twin.Append(rows));
    EXPECT_EQ(twin.Cache().Counts().blocks_copied, samples);
    EXPECT_TRUE(twin.Agree());
    EXPECT_TRUE(twin.LeavesNothing());
  }
}

TEST(ForkTest, AFullPoolRefusesTheCopyToo) {
  PagedTwin twin(kShape);
  const SequenceId sequence = twin.Start();
  twin.Append({{sequence, 22}});  // all 6 blocks
  const SequenceId fork = twin.Fork(sequence);
  EXPECT_FALSE(twin.Append({{fork, 1}}));
  ASSERT_TRUE(twin.Agree()) << "after a refused append";
  EXPECT_FALSE(twin.Append({{sequence, 1}, {fork, 1}}));
  ASSERT_TRUE(twin.Agree()) << "after a refused append";
  twin.Release(sequence);
  EXPECT_TRUE(twin.Append({{fork, 2}})) << "it owns all blocks alone now";
  EXPECT_TRUE(twin.Agree());
  EXPECT_TRUE(twin.LeavesNothing());
}

TEST(ForkTest, OfTwoOwnersInOneAppendOneCopies) {
  PagedTwin twin(kShape);
  const SequenceId sequence = twin.Start();
  twin.Append({{sequence, 18}});  // 5 blocks, 1 is free
  const SequenceId fork = twin.Fork(sequence);
  EXPECT_TRUE(twin.Append({{sequence, 1}, {fork, 1}}))
      << "one copy is enough: it leaves the block to the other row";
  EXPECT_EQ(twin.Cache().Counts().blocks_copied, 1U);
  EXPECT_TRUE(twin.Agree());
}

TEST(ForkTest, ARefusalHalfWayLeaksNoReference) {
  PagedTwin twin(kShape);
  const SequenceId sequence = twin.Start();
  const SequenceId other = twin.Start();
  twin.Append({{sequence, 6}, {other, 12}});  // 2 + 3 blocks, 1 is free
  const SequenceId fork = twin.Fork(sequence);
  // The copy takes the free block; nothing is left for `other`.
  EXPECT_FALSE(twin.Append({{fork, 1}, {other, 1}}));
  ASSERT_TRUE(twin.Agree()) << "after a refused append";
  EXPECT_FALSE(twin.Append({{other, 1}, {fork, 1}}));
  ASSERT_TRUE(twin.Agree()) << "after a refused append";
  EXPECT_TRUE(twin.LeavesNothing());
}

TEST(ForkTest, ReleaseLeavesTheOthersTheirBlocks) {
  for (const bool fork_goes : {true, false}) {
    PagedTwin twin(kShape);
    const SequenceId sequence = twin.Start();
    twin.Append({{sequence, 10}});
    const SequenceId fork = twin.Fork(sequence);
    twin.Release(fork_goes ? fork : sequence);
    ASSERT_TRUE(twin.Agree());
    // Were a block free by now, the next sequence would write into it.
    const SequenceId next = twin.Start();
    EXPECT_TRUE(twin.Append({{next, 12}}));
    EXPECT_TRUE(twin.Agree());
    EXPECT_TRUE(twin.LeavesNothing());
  }
}

TEST(ForkTest, TruncateIntoASharedBlockThenWriteCopiesIt) {
  // Also into a block that was full when it was shared.
  for (std::size_t kept = 0; kept <= 10; ++kept) {
    for (const bool fork_goes : {true, false}) {
      PagedTwin twin(kShape);
      const SequenceId sequence = twin.Start();
      twin.Append({{sequence, 10}});
      const SequenceId fork = twin.Fork(sequence);
      const SequenceId shortened = fork_goes ? fork : sequence;
      twin.Truncate(shortened, kept);
      ASSERT_TRUE(twin.Agree()) << "truncated to " << kept;
      twin.Append({{shortened, 3}});
      ASSERT_TRUE(twin.Agree()) << "truncated to " << kept << ", then written";
      EXPECT_EQ(twin.Cache().Counts().blocks_copied, kept % 4 == 0 ? 0U : 1U);
      EXPECT_TRUE(twin.LeavesNothing());
    }
  }
}

TEST(ForkTest, EndsWhatWasToBeWritten) {
  PagedTwin twin(kShape);
  const SequenceId sequence = twin.Start();
  twin.Append({{sequence, 6}});
  const SequenceId fork = twin.Fork(sequence);
  Tensor4 tokens = Tensor4::from_shape({2, 2, 6, 3});
  tokens.fill(-1);
  // They share their blocks: no token of either may change.
  twin.Cache().Write(0, std::vector<SequenceId>{fork, sequence}, tokens,
                     tokens);
  EXPECT_TRUE(twin.Agree());
}

TEST(ForkTest, ForksOfForksAttendAsIfAlone) {
  Random random(59);
  PagedCache cache({.num_blocks = 30,
                    .block_size = 3,
                    .num_layers = 1,
                    .num_kv_heads = 2,
                    .head_dim = 4});
  std::vector<SequenceId> rows = {cache.Start()};
  for (std::size_t round = 0; round < 4; ++round) {
    std::vector<Extension> step;
    step.reserve(rows.size());
    for (const SequenceId row : rows) {
      step.push_back({row, 1 + (row.number + round) % 4});
    }
    cache.Extend(step);
    const std::array<std::size_t, 4> tokens = {rows.size(), 2, 4, 4};
    cache.Write(0, rows, RandomTensor4(random, tokens),
                RandomTensor4(random, tokens));
    const Tensor4 queries = RandomTensor4(random, {rows.size(), 2, 2, 4});
    EXPECT_TRUE(Near(cache.Attend(0, rows, queries),
                     AttendPlainly(cache, 0, rows, queries), kTolerance));
    if (round < 3) rows.push_back(cache.Fork(rows[round]));
  }
}

TEST(ForkTest, RefusesAReleasedSequence) {
  PagedTwin twin(kShape);
  const SequenceId sequence = twin.Start();
  twin.Append({{sequence, 6}});
  twin.Release(sequence);
  EXPECT_THROW(twin.Cache().Fork(sequence), ContractError);
  EXPECT_TRUE(twin.Agree());
}

TEST(ForkTest, CountsHundredsOfForks) {
  PageShape shape = kShape;
  shape.num_blocks = 303;
  PagedTwin twin(shape);
  const SequenceId sequence = twin.Start();
  twin.Append({{sequence, 6}});
  std::vector<SequenceId> forks;
  for (std::size_t i = 0; i < 300; ++i) forks.push_back(twin.Fork(sequence));
  for (const SequenceId fork : forks) twin.Append({{fork, 1}});
  EXPECT_EQ(twin.Cache().Counts().blocks_copied, 300U);
  EXPECT_TRUE(twin.Agree());
  for (const SequenceId fork : forks) twin.Release(fork);
  EXPECT_EQ(twin.Cache().Counts().blocks_in_use, 2U);
  EXPECT_TRUE(twin.LeavesNothing());
}

// ---- Random traces --------------------------------------------------------

// Some of the sequences in random order: half of the newest four, and of the
// others half of a few, about four of many.
std::vector<SequenceId> SomeSequences(const PagedTwin& twin, Random& random) {
  const std::vector<PageModel::Sequence> all = twin.Model().Sequences();
  const std::size_t one_of = std::max<std::size_t>(2, all.size() / 4);
  std::vector<SequenceId> some;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (random.NextBelow(i + 4 < all.size() ? one_of : 2) == 0) {
      some.push_back({all[i]});
    }
  }
  for (std::size_t i = some.size(); i > 1; --i) {
    std::swap(some[i - 1], some[random.NextBelow(i)]);
  }
  return some;
}

// One call at random.
void RandomCall(PagedTwin& twin, Forks forks, Random& random) {
  const std::size_t block_size = twin.Cache().Shape().block_size;
  const bool any = !twin.Model().Sequences().empty();
  const std::size_t choice = random.NextBelow(10);
  if (!any || choice == 0) {
    twin.Start();
  } else if (choice == 1) {
    twin.Release(twin.AnySequence(random));
  } else if (choice <= 3) {
    // To any length, or by a block at most.
    const SequenceId sequence = twin.AnySequence(random);
    const std::size_t len = twin.Cache().Len(sequence);
    const std::size_t most =
        random.NextBelow(2) == 0 ? len : std::min(len, block_size);
    twin.Truncate(sequence, len - random.NextBelow(most + 1));
    twin.WritePadding({sequence});
  } else if (choice <= 5 && forks == Forks::kSome) {
    const SequenceId sequence = twin.AnySequence(random);
    twin.WritePadding({twin.Fork(sequence), sequence});
  } else {
    std::vector<Extension> rows;
    for (const SequenceId sequence : SomeSequences(twin, random)) {
      rows.push_back({sequence, random.NextBelow(2 * block_size + 2)});
    }
    twin.Append(rows);
  }
}

// Calls at random, each followed by a comparison with the model, and one in
// `attend_every` by one of attention.
::testing::AssertionResult RandomCallsAgree(PagedTwin& twin, Forks forks,
                                            std::size_t attend_every,
                                            Random& random) {
  for (std::size_t step = 0; step < 30; ++step) {
    RandomCall(twin, forks, random);
    ::testing::AssertionResult agrees = twin.Agree();
    if (agrees && random.NextBelow(attend_every) == 0) {
      agrees =
          twin.AttendAgrees(SomeSequences(twin, random),
                            {.heads_per_kv_head = 1 + 2 * random.NextBelow(2),
                             .new_len = 1 + random.NextBelow(3)},
                            random);
    }
    if (!agrees) return agrees << ", at step " << step;
  }
  return ::testing::AssertionSuccess();
}

std::string ShapeOf(const PageShape& shape) {
  return std::to_string(shape.num_blocks) + " blocks of " +
         std::to_string(shape.block_size) + ", " +
         std::to_string(shape.num_layers) + " layers, " +
         std::to_string(shape.num_kv_heads) + " heads of " +
         std::to_string(shape.head_dim);
}

// 1,000 caches of random sizes, each called at random and compared with the
// model after every call; at the end all is released.
void ExpectTracesAgree(Forks forks, std::uint64_t seed) {
  for (std::uint64_t trace = 0; trace < 1000; ++trace) {
    Random random(seed + trace);
    const PageShape shape = {.num_blocks = 1 + random.NextBelow(20),
                             .block_size = 1 + random.NextBelow(5),
                             .num_layers = 1 + random.NextBelow(2),
                             .num_kv_heads = 1 + random.NextBelow(2),
                             .head_dim = 1 + random.NextBelow(3)};
    PagedTwin twin(shape);
    ASSERT_TRUE(RandomCallsAgree(twin, forks, 8, random))
        << "trace of seed " << seed + trace << ": " << ShapeOf(shape);
    ASSERT_TRUE(twin.LeavesNothing()) << "trace of seed " << seed + trace;
  }
}

// Takes all free blocks but `left`.
SequenceId TakeAllBut(PagedTwin& twin, std::size_t left) {
  const SequenceId holder = twin.Start();
  const std::size_t free = twin.FreeBlocks();
  if (free > left) {
    EXPECT_TRUE(twin.Append(
        {{holder, (free - left) * twin.Cache().Shape().block_size}}));
  }
  return holder;
}

// As many sequences as blocks are free each get a token in a block of their
// own, after one more than that was refused. With forks they are samples of
// `prompt`, whose last block must be partly filled and its own: the prompt is
// extended last, as the only owner left.
std::vector<SequenceId> FillWithSamples(PagedTwin& twin, Forks forks,
                                        SequenceId prompt) {
  std::vector<Extension> rows;
  for (std::size_t i = twin.FreeBlocks() + 1; i > 0; --i) {
    rows.push_back(
        {forks == Forks::kSome ? twin.Fork(prompt) : twin.Start(), 1});
  }
  rows.push_back({prompt, 1});
  EXPECT_FALSE(twin.Append(rows)) << "one block too many";
  EXPECT_TRUE(twin.Agree()) << "after a refused append";
  twin.Release(rows.front().sequence);
  rows.erase(rows.begin());
  EXPECT_TRUE(twin.Append(rows)) << "exactly the free blocks";
  std::vector<SequenceId> samples;
  samples.reserve(rows.size());
  for (const Extension& row : rows) samples.push_back(row.sequence);
  return samples;
}

// Rows of every kind, which together need exactly the blocks that are free:
// forks of `prompt`, whose last block must be partly filled and its own, that
// need a copy, or none since they get no token; sequences whose last block is
// full, shared or not. All is given up again.
void FillExactly(PagedTwin& twin, Forks forks, SequenceId prompt,
                 Random& random) {
  const std::size_t block_size = twin.Cache().Shape().block_size;
  const SequenceId full = twin.Start();
  ASSERT_TRUE(twin.Append({{full, block_size}}));
  std::vector<Extension> rows;
  std::size_t needed = 1;
  if (forks == Forks::kSome) {
    rows.push_back({twin.Fork(prompt), 1});
    rows.push_back({twin.Fork(full), block_size});
    // Shortened by what its last block holds: the block before is full.
    const SequenceId shorter = twin.Fork(prompt);
    twin.Truncate(shorter, twin.Cache().Len(prompt) / block_size * block_size);
    rows.push_back({shorter, 1});
    for (const std::size_t new_len : {0, 0, 1, 1}) {
      rows.push_back({twin.Fork(prompt), new_len});
    }
    needed += 1 + 1 + 3 + 1;  // the prompt has other owners left
  } else {
    rows.push_back({twin.Start(), block_size + 1});
    needed += 2;
  }
  rows.push_back({full, 1});
  rows.push_back({prompt, 1});
  const SequenceId holder = TakeAllBut(twin, needed);
  ASSERT_EQ(twin.FreeBlocks(), needed);
  std::size_t& of_full = rows[rows.size() - 2].new_len;
  of_full = block_size + 1;
  EXPECT_FALSE(twin.Append(rows)) << "one block too many";
  ASSERT_TRUE(twin.Agree()) << "after a refused append";
  of_full = 1;
  EXPECT_TRUE(twin.Append(rows)) << "exactly the free blocks";
  ASSERT_TRUE(twin.Agree());
  EXPECT_FALSE(twin.Append({{full, block_size}})) << "the pool is full";
  EXPECT_TRUE(
      twin.AttendAgrees({prompt, full, rows.front().sequence}, {}, random));
  twin.Release(holder);
  for (const Extension& row : rows) {
    if (row.sequence != prompt) twin.Release(row.sequence);
  }
}

// Attention of hundreds of rows, query heads and queries; most of the rows hold
// nothing, or share the table of the oldest sequence.
void ExpectAttendAgrees(PagedTwin& twin, Forks forks, SequenceId sequence,
                        Random& random) {
  const bool many_heads = twin.Cache().Shape().num_kv_heads > 9;
  const SequenceId oldest = {twin.Model().Sequences().front()};
  const auto another = [&](SequenceId of) {
    return forks == Forks::kSome ? twin.Fork(of) : twin.Start();
  };
  std::vector<Extension> rows = {{another(sequence), 0}};
  for (std::size_t i = many_heads ? 12 : 260; i > 0; --i) {
    rows.push_back({another(oldest), 0});
  }
  rows.push_back({sequence, 1});
  EXPECT_TRUE(twin.Append(rows));
  std::vector<SequenceId> all;
  all.reserve(rows.size());
  for (const Extension& row : rows) all.push_back(row.sequence);
  EXPECT_TRUE(twin.AttendAgrees(all, {.new_len = 2}, random));
  all.pop_back();
  for (const SequenceId row : all) twin.Release(row);

  std::vector<SequenceId> some = SomeSequences(twin, random);
  if (some.size() > 2) some.resize(2);
  std::erase(some, sequence);
  some.push_back(sequence);
  EXPECT_TRUE(twin.AttendAgrees(
      some, {.heads_per_kv_head = many_heads ? 3U : 270U}, random));
  EXPECT_TRUE(twin.AttendAgrees(
      some, {.heads_per_kv_head = 2, .new_len = many_heads ? 9U : 270U},
      random));
}

// What small caches cannot show: a size beyond 256, after hundreds of
// sequences, blocks and copies.
void ExpectLargeTraceAgrees(Forks forks, const PageShape& shape) {
  SCOPED_TRACE(ShapeOf(shape));
  Random random(shape.num_blocks + shape.head_dim);
  PagedTwin twin(shape);
  const SequenceId prompt = twin.Start();
  ASSERT_TRUE(twin.Append({{prompt, shape.block_size + 1}}));
  const std::vector<SequenceId> samples = FillWithSamples(twin, forks, prompt);
  ASSERT_TRUE(twin.Agree());
  // Where blocks are many, those with small numbers stay taken.
  const std::size_t kept = samples.size() > 270 ? 260 : samples.size() / 3;
  for (std::size_t i = kept; i + 1 < samples.size(); ++i) {
    twin.Release(samples[i]);
  }
  ExpectAttendAgrees(twin, forks, prompt, random);
  // A long sequence, whose last block has room for two tokens.
  const SequenceId sequence = twin.Start();
  const std::size_t blocks =
      std::min(twin.FreeBlocks() - 8, 1200 / shape.block_size);
  ASSERT_TRUE(twin.Append({{sequence, blocks * shape.block_size - 2}}));
  ASSERT_TRUE(twin.Agree());
  ExpectAttendAgrees(twin, forks, sequence, random);
  ASSERT_TRUE(twin.Agree());
  twin.Truncate(sequence, blocks * shape.block_size - shape.block_size + 2);
  twin.WritePadding({sequence});
  FillExactly(twin, forks, sequence, random);
  ASSERT_TRUE(RandomCallsAgree(twin, forks, 2, random));
  ASSERT_TRUE(twin.LeavesNothing());
}

void ExpectLargeTracesAgree(Forks forks) {
  for (const auto& [num_blocks, block_size, num_layers, num_kv_heads,
                    head_dim] : {std::array<std::size_t, 5>{700, 4, 2, 2, 3},
                                 {300, 300, 1, 2, 2},
                                 {20, 5, 270, 2, 2},
                                 {20, 5, 2, 270, 2},
                                 {20, 5, 2, 2, 270}}) {
    ExpectLargeTraceAgrees(forks, {.num_blocks = num_blocks,
                                   .block_size = block_size,
                                   .num_layers = num_layers,
                                   .num_kv_heads = num_kv_heads,
                                   .head_dim = head_dim});
  }
}

TEST(PagedCacheTest, AgreesWithTheModelOnAThousandTraces) {
  ExpectTracesAgree(Forks::kNone, 5'300'000);
}

TEST(PagedCacheTest, AgreesWithTheModelOnLargeTraces) {
  ExpectLargeTracesAgree(Forks::kNone);
}

TEST(ForkTest, AgreesWithTheModelOnAThousandTraces) {
  ExpectTracesAgree(Forks::kSome, 5'400'000);
}

TEST(ForkTest, AgreesWithTheModelOnLargeTraces) {
  ExpectLargeTracesAgree(Forks::kSome);
}

}  // namespace
}  // namespace kvlab
