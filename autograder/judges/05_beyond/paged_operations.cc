// Module 5's pool, paged cache and index of prompts as operations.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "autograder/exam/arguments.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "kit/tensor/tensor.h"
#include "modules/05_beyond/block_pool.h"
#include "modules/05_beyond/paged_cache.h"
#include "modules/05_beyond/prefix_index.h"

namespace kvlab::grading {
namespace {

// One argument: [num_blocks, block_size, num_layers, num_kv_heads, head_dim].
PageShape NextPageShape(Arguments& arguments) {
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  return {.num_blocks = sizes.at(0),
          .block_size = sizes.at(1),
          .num_layers = sizes.at(2),
          .num_kv_heads = sizes.at(3),
          .head_dim = sizes.at(4)};
}

SequenceId NextSequence(Arguments& arguments) {
  return {static_cast<std::uint64_t>(arguments.Next<std::int64_t>())};
}

std::vector<SequenceId> NextSequences(Arguments& arguments) {
  std::vector<SequenceId> sequences;
  for (const std::size_t number : arguments.NextSizes()) {
    sequences.push_back({number});
  }
  return sequences;
}

std::vector<TokenId> NextTokens(Arguments& arguments) {
  std::vector<TokenId> tokens;
  for (const std::int64_t token : arguments.Next<Integers>()) {
    tokens.push_back(static_cast<TokenId>(token));
  }
  return tokens;
}

PagedCache& NextCache(ObjectStore& objects, Arguments& arguments) {
  return objects.Get<PagedCache>(arguments.Next<Handle>());
}

std::int64_t Number(SequenceId sequence) {
  return static_cast<std::int64_t>(sequence.number);
}

// --- the pool ---

// pool.new(shape) -> pool
Values NewPool(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  return {objects.Keep(std::make_shared<BlockPool>(NextPageShape(arguments)))};
}

// pool.take(pool) -> block
Values Take(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  BlockPool& pool = objects.Get<BlockPool>(arguments.Next<Handle>());
  return {static_cast<std::int64_t>(pool.Take())};
}

// pool.share(pool, block)
Values Share(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  BlockPool& pool = objects.Get<BlockPool>(arguments.Next<Handle>());
  pool.Share(arguments.NextSize());
  return {};
}

// pool.release(pool, block)
Values ReleaseBlock(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  BlockPool& pool = objects.Get<BlockPool>(arguments.Next<Handle>());
  pool.Release(arguments.NextSize());
  return {};
}

// The owners of each block.
Integers OwnersOf(const BlockPool& pool) {
  Integers owners;
  for (BlockId block = 0; block < pool.Shape().num_blocks; ++block) {
    owners.push_back(static_cast<std::int64_t>(pool.Owners(block)));
  }
  return owners;
}

// pool.state(pool) -> [free blocks, blocks in use], owners of each block
Values StateOfPool(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const BlockPool& pool = objects.Get<BlockPool>(arguments.Next<Handle>());
  return {ToIntegers(std::array{pool.FreeBlocks(), pool.BlocksInUse()}),
          OwnersOf(pool)};
}

// --- the cache ---

std::uint64_t AlwaysZero(std::uint64_t /*parent*/,
                         std::span<const TokenId> /*tokens*/) {
  return 0;
}

std::uint64_t LowBytes(std::uint64_t parent, std::span<const TokenId> tokens) {
  for (const TokenId token : tokens) {
    parent = parent * 31 + static_cast<std::uint64_t>(token & 0xFF);
  }
  return parent;
}

std::uint64_t WithoutParent(std::uint64_t /*parent*/,
                            std::span<const TokenId> tokens) {
  return LowBytes(0, tokens);
}

// paged.new(shape, hash) -> cache; hash 0 is HashBlock, others collide: always
// 0, of the low bytes of the tokens, and that without the parent.
Values NewCache(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const PageShape shape = NextPageShape(arguments);
  constexpr std::array<BlockHash, 4> kHashes = {HashBlock, AlwaysZero, LowBytes,
                                                WithoutParent};
  return {objects.Keep(
      std::make_shared<PagedCache>(shape, kHashes.at(arguments.NextSize())))};
}

// paged.start(cache) -> sequence
Values Start(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  return {Number(NextCache(objects, arguments).Start())};
}

// paged.extend(cache, sequences, new lengths)
Values Extend(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  PagedCache& cache = NextCache(objects, arguments);
  const std::vector<SequenceId> sequences = NextSequences(arguments);
  const std::vector<std::size_t> new_lens = arguments.NextSizes();
  std::vector<Extension> rows;
  for (std::size_t b = 0; b < sequences.size(); ++b) {
    rows.push_back({.sequence = sequences[b], .new_len = new_lens.at(b)});
  }
  cache.Extend(rows);
  return {};
}

// paged.write(cache, first layer, sequences, keys, values, keys, values, ...):
// each two are the next layer's
Values Write(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  PagedCache& cache = NextCache(objects, arguments);
  std::size_t layer = arguments.NextSize();
  const std::vector<SequenceId> rows = NextSequences(arguments);
  for (std::size_t given = 3; given < values.size(); given += 2) {
    const Tensor4 keys = arguments.NextTensor<4>();
    cache.Write(layer++, rows, keys, arguments.NextTensor<4>());
  }
  return {};
}

// paged.attend(cache, layer, sequences, queries) -> attended
Values Attend(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const PagedCache& cache = NextCache(objects, arguments);
  const std::size_t layer = arguments.NextSize();
  const std::vector<SequenceId> rows = NextSequences(arguments);
  return {ToArray(cache.Attend(layer, rows, arguments.NextTensor<4>()))};
}

// paged.truncate(cache, sequence, past_len)
Values Truncate(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  PagedCache& cache = NextCache(objects, arguments);
  const SequenceId sequence = NextSequence(arguments);
  cache.Truncate(sequence, arguments.NextSize());
  return {};
}

// paged.release(cache, sequences)
Values Release(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  PagedCache& cache = NextCache(objects, arguments);
  for (const SequenceId sequence : NextSequences(arguments)) {
    cache.Release(sequence);
  }
  return {};
}

// paged.fork(cache, sequence) -> sequence
Values Fork(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  PagedCache& cache = NextCache(objects, arguments);
  return {Number(cache.Fork(NextSequence(arguments)))};
}

// paged.start_with(cache, prompt) -> sequence
Values StartWith(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  PagedCache& cache = NextCache(objects, arguments);
  return {Number(cache.StartWith(NextTokens(arguments)))};
}

// paged.keep(cache, sequence, tokens)
Values Keep(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  PagedCache& cache = NextCache(objects, arguments);
  const SequenceId sequence = NextSequence(arguments);
  cache.Keep(sequence, NextTokens(arguments));
  return {};
}

// paged.forget_kept(cache)
Values ForgetKept(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  NextCache(objects, arguments).ForgetKept();
  return {};
}

// One layer's keys and values of a sequence, read through its table:
// [heads, tokens, head_dim] each. The table and the pool are the contract's.
// Throws std::out_of_range for a table that is too short, or a block that does
// not exist.
Values ReadLayer(const PagedCache& cache, std::size_t layer,
                 SequenceId sequence) {
  const PageShape& shape = cache.Shape();
  const std::size_t len = cache.Len(sequence);
  const std::span<const BlockId> span = cache.Table(sequence);
  const std::vector<BlockId> table(span.begin(), span.end());
  Array keys = {.shape = {shape.num_kv_heads, len, shape.head_dim},
                .values = {}};
  Array held = keys;
  for (std::size_t head = 0; head < shape.num_kv_heads; ++head) {
    for (std::size_t s = 0; s < len; ++s) {
      const BlockId block = table.at(s / shape.block_size);
      static_cast<void>(cache.Pool().Owners(block));
      const std::size_t row = s % shape.block_size;
      for (const float key : cache.Pool().Keys({block, layer, head}).Row(row)) {
        keys.values.push_back(key);
      }
      for (const float value :
           cache.Pool().Values({block, layer, head}).Row(row)) {
        held.values.push_back(value);
      }
    }
  }
  return {keys, held};
}

// paged.read(cache, sequences) -> of each: table, [length], then keys and
// values of each layer
Values Read(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const PagedCache& cache = NextCache(objects, arguments);
  Values answer;
  for (const SequenceId sequence : NextSequences(arguments)) {
    answer.emplace_back(ToIntegers(cache.Table(sequence)));
    answer.emplace_back(
        Integers{static_cast<std::int64_t>(cache.Len(sequence))});
    for (std::size_t layer = 0; layer < cache.Shape().num_layers; ++layer) {
      for (Value& value : ReadLayer(cache, layer, sequence)) {
        answer.push_back(std::move(value));
      }
    }
  }
  return answer;
}

// paged.rest(cache, sequence) -> [numbers other than NaN in the rows of its
// last block that no token has]
Values Rest(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const PagedCache& cache = NextCache(objects, arguments);
  const SequenceId sequence = NextSequence(arguments);
  const PageShape& shape = cache.Shape();
  const std::size_t held = cache.Len(sequence) % shape.block_size;
  std::int64_t written = 0;
  for (std::size_t layer = 0; layer < shape.num_layers; ++layer) {
    for (std::size_t head = 0; head < shape.num_kv_heads; ++head) {
      const BlockPlace place = {cache.Table(sequence).back(), layer, head};
      for (const ConstMatrix rows :
           {cache.Pool().Keys(place), cache.Pool().Values(place)}) {
        for (std::size_t row = held; row < shape.block_size; ++row) {
          written += std::ranges::count_if(
              rows.Row(row), [](float number) { return !std::isnan(number); });
        }
      }
    }
  }
  return {Integers{written}};
}

// paged.state(cache) -> [blocks in use, blocks copied, tokens appended], owners
// of each block
Values State(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const PagedCache& cache = NextCache(objects, arguments);
  const PageCounts counts = cache.Counts();
  return {ToIntegers(std::array{counts.blocks_in_use, counts.blocks_copied,
                                counts.tokens_appended}),
          OwnersOf(cache.Pool())};
}

// --- the hash ---

// prefix.hash(parent, tokens) -> the bits of the hash
Values Hash(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const auto parent =
      std::bit_cast<std::uint64_t>(arguments.Next<std::int64_t>());
  return {
      std::bit_cast<std::int64_t>(HashBlock(parent, NextTokens(arguments)))};
}

// prefix.hashes(parents, tokens) -> the hashes of the tokens after each of the
// parents 0 .. parents - 1
Values Hashes(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const std::size_t parents = arguments.NextSize();
  const std::vector<TokenId> tokens = NextTokens(arguments);
  Integers hashes;
  for (std::uint64_t parent = 0; parent < parents; ++parent) {
    hashes.push_back(std::bit_cast<std::int64_t>(HashBlock(parent, tokens)));
  }
  return {hashes};
}

const RegisterOperation kNewPool("pool.new", NewPool);
const RegisterOperation kTake("pool.take", Take);
const RegisterOperation kShare("pool.share", Share);
const RegisterOperation kReleaseBlock("pool.release", ReleaseBlock);
const RegisterOperation kStateOfPool("pool.state", StateOfPool);
const RegisterOperation kNewCache("paged.new", NewCache);
const RegisterOperation kStart("paged.start", Start);
const RegisterOperation kExtend("paged.extend", Extend);
const RegisterOperation kWrite("paged.write", Write);
const RegisterOperation kAttend("paged.attend", Attend);
const RegisterOperation kTruncate("paged.truncate", Truncate);
const RegisterOperation kRelease("paged.release", Release);
const RegisterOperation kFork("paged.fork", Fork);
const RegisterOperation kStartWith("paged.start_with", StartWith);
const RegisterOperation kKeep("paged.keep", Keep);
const RegisterOperation kForgetKept("paged.forget_kept", ForgetKept);
const RegisterOperation kRead("paged.read", Read);
const RegisterOperation kRest("paged.rest", Rest);
const RegisterOperation kState("paged.state", State);
const RegisterOperation kHash("prefix.hash", Hash);
const RegisterOperation kHashes("prefix.hashes", Hashes);

}  // namespace
}  // namespace kvlab::grading
