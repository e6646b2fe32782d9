#include "modules/05_beyond/paged_cache.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/math/paged_products.h"
#include "kit/tensor/copy.h"
#include "kit/tensor/paged_matrix.h"
#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"
#include "modules/05_beyond/block_pool.h"
#include "modules/05_beyond/prefix_index.h"

namespace kvlab {
namespace {

// Given. Blocks that `tokens` of one sequence take.
std::size_t BlocksFor(std::size_t tokens, const PageShape& shape) {
  return tokens / shape.block_size + (tokens % shape.block_size == 0 ? 0 : 1);
}

// Given. Throws if a sequence is named twice.
void CheckDistinct(const std::string& who, std::set<SequenceId>& seen,
                   SequenceId sequence) {
  if (!seen.insert(sequence).second) {
    throw ContractError(
        who + ": sequence " + std::to_string(sequence.number) + " comes twice",
        "two rows of a batch cannot both be its next tokens",
        "fork it, so that each row has a sequence of its own");
  }
}

// BEGIN SOLUTION-ONLY
// Scores [T, S] in place: scaled, and -infinity where not seen. Query i of T is
// at position S - T + i and sees the tokens up to itself, none if it is
// padding.
void ScaleAndMask(Matrix scores, std::size_t head_dim) {
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
  for (std::size_t i = 0; i < scores.rows; ++i) {
    const std::span<float> row = scores.Row(i);
    const std::size_t end = scores.cols + i + 1;
    const std::size_t seen = end > scores.rows ? end - scores.rows : 0;
    for (float& score : row.first(seen)) score *= scale;
    std::ranges::fill(row.subspan(seen),
                      -std::numeric_limits<float>::infinity());
  }
}

// One layer and head of a sequence, [S, D], wherever its blocks are.
struct KeysAndValues {
  PagedMatrix keys;
  PagedMatrix values;
};

// softmax(q k^T / sqrt(D)) v of one head: T queries over S keys.
//   scores    [T, S], of any content
//   attended  [T, D], of any content
void AttendHead(ConstMatrix queries, const KeysAndValues& held, Matrix scores,
                Matrix attended) {
  MatMulTransposed(Work::kAttention, queries, held.keys, scores);
  ScaleAndMask(scores, queries.cols);
  SoftmaxRows(scores);
  MatMul(Work::kAttention, scores, held.values, attended);
}
// END SOLUTION-ONLY

}  // namespace

PagedCache::PagedCache(const PageShape& shape, BlockHash hash)
    : pool_(shape), kept_(shape.block_size, hash) {}

SequenceId PagedCache::Start() {
  const SequenceId sequence = {started_++};
  sequences_.emplace(sequence, Sequence());
  return sequence;
}

const PagedCache::Sequence& PagedCache::Find(const std::string& who,
                                             SequenceId sequence) const {
  const auto found = sequences_.find(sequence);
  if (found == sequences_.end()) {
    const bool started = sequence.number < started_;
    throw ContractError(
        who + ": there is no sequence " + std::to_string(sequence.number),
        started ? "it was released, and its blocks may belong to others by now"
                : "only " + std::to_string(started_) + " were started",
        "use a sequence between Start, StartWith or Fork and its Release");
  }
  return found->second;
}

PagedCache::Sequence& PagedCache::Find(const std::string& who,
                                       SequenceId sequence) {
  return const_cast<Sequence&>(std::as_const(*this).Find(who, sequence));
}

std::size_t PagedCache::Len(SequenceId sequence) const {
  return Find("PagedCache::Len", sequence).len;
}

std::span<const BlockId> PagedCache::Table(SequenceId sequence) const {
  return Find("PagedCache::Table", sequence).table;
}

bool PagedCache::SharesLastBlock(const Sequence& sequence) const {
  return !sequence.table.empty() && pool_.Owners(sequence.table.back()) > 1;
}

void PagedCache::CheckExtend(std::span<const Extension> rows) const {
  std::set<SequenceId> seen;
  for (const Extension& row : rows) {
    static_cast<void>(Find("PagedCache::Extend", row.sequence));
    CheckDistinct("PagedCache::Extend", seen, row.sequence);
  }
}

void PagedCache::CheckRows(const std::string& who, std::size_t layer,
                           std::span<const SequenceId> rows) const {
  if (layer >= Shape().num_layers) {
    throw ContractError(
        who + ": no layer " + std::to_string(layer),
        "the cache has " + std::to_string(Shape().num_layers) + " layers",
        "count layers from 0");
  }
  for (const SequenceId row : rows) static_cast<void>(Find(who, row));
}

void PagedCache::CheckWrite(std::size_t layer, std::span<const SequenceId> rows,
                            const Tensor4& keys, const Tensor4& values) const {
  const std::string who = "PagedCache::Write";
  CheckRows(who, layer, rows);
  const std::size_t new_len = keys.shape(2);
  const std::array<std::size_t, 4> expected = {
      rows.size(), Shape().num_kv_heads, new_len, Shape().head_dim};
  CheckShape(who + ": keys", keys, expected);
  CheckShape(who + ": values", values, expected);
  std::set<SequenceId> seen;
  for (const SequenceId row : rows) {
    CheckDistinct(who, seen, row);
    const std::size_t unwritten = Find(who, row).unwritten;
    if (unwritten > new_len) {
      throw ContractError(
          who + ": too few tokens for sequence " + std::to_string(row.number),
          "Extend made room for " + std::to_string(unwritten) + ", and " +
              std::to_string(new_len) + " came",
          "write all new tokens of a layer at once");
    }
  }
}

void PagedCache::CheckAttend(std::size_t layer,
                             std::span<const SequenceId> rows,
                             const Tensor4& queries) const {
  const std::string who = "PagedCache::Attend";
  CheckRows(who, layer, rows);
  CheckShape(who + ": queries", queries,
             std::array<std::size_t, 4>{rows.size(), queries.shape(1),
                                        queries.shape(2), Shape().head_dim});
  if (queries.shape(1) % Shape().num_kv_heads != 0) {
    throw ContractError(
        who + ": key/value heads do not divide heads",
        std::to_string(queries.shape(1)) + " query heads, " +
            std::to_string(Shape().num_kv_heads) + " key/value heads",
        "give a number of query heads that is a multiple of the number of "
        "key/value heads");
  }
}

void PagedCache::Extend(std::span<const Extension> rows) {
  CheckExtend(rows);
  // TODO(5.3): room for all new tokens of all rows, or a refusal.
  // BEGIN SOLUTION PagedCache::Extend
  // First count, then take: nothing can fail half-way.
  std::size_t needed = CopiesNeeded(rows);
  for (const Extension& row : rows) {
    const Sequence& sequence = Find("PagedCache::Extend", row.sequence);
    needed +=
        BlocksFor(sequence.len + row.new_len, Shape()) - sequence.table.size();
  }
  if (needed > pool_.FreeBlocks()) {
    throw ContractError(
        "PagedCache::Extend: the pool is full",
        std::to_string(needed) + " more blocks are needed, " +
            std::to_string(pool_.FreeBlocks()) + " of " +
            std::to_string(Shape().num_blocks) + " are free",
        "release a sequence, extend fewer rows, or build a larger pool");
  }
  for (const Extension& row : rows) {
    Sequence& sequence = Find("PagedCache::Extend", row.sequence);
    if (row.new_len > 0) CopySharedBlock(sequence);
    sequence.len += row.new_len;
    while (sequence.table.size() < BlocksFor(sequence.len, Shape())) {
      sequence.table.push_back(pool_.Take());
    }
    sequence.unwritten = row.new_len;
    tokens_appended_ += row.new_len;
  }
}

void PagedCache::Write(std::size_t layer, std::span<const SequenceId> rows,
                       const Tensor4& keys, const Tensor4& values) {
  CheckWrite(layer, rows, keys, values);
  // TODO(5.3): each new token goes to its block and row, in every head.
  // BEGIN SOLUTION PagedCache::Write
  const std::size_t block_size = Shape().block_size;
  for (std::size_t b = 0; b < rows.size(); ++b) {
    const Sequence& sequence = Find("PagedCache::Write", rows[b]);
    std::size_t position = sequence.len - sequence.unwritten;
    // Columns before it are padding.
    std::size_t column = keys.shape(2) - sequence.unwritten;
    // As many tokens at once as go into one block.
    while (position < sequence.len) {
      const std::size_t row = position % block_size;
      const std::size_t count =
          std::min(block_size - row, sequence.len - position);
      for (std::size_t head = 0; head < Shape().num_kv_heads; ++head) {
        const BlockPlace place = {sequence.table[position / block_size], layer,
                                  head};
        CopyRows(RowsFrom(HeadMatrix(keys, b, head), column, count),
                 RowRange(pool_.Keys(place), row, row + count));
        CopyRows(RowsFrom(HeadMatrix(values, b, head), column, count),
                 RowRange(pool_.Values(place), row, row + count));
      }
      position += count;
      column += count;
    }
  }
}

Tensor4 PagedCache::Attend(std::size_t layer, std::span<const SequenceId> rows,
                           const Tensor4& queries) const {
  CheckAttend(layer, rows, queries);
  // TODO(5.3): scores over all blocks, one softmax, values over all blocks.
  // BEGIN SOLUTION PagedCache::Attend
  const std::size_t heads_per_kv_head = queries.shape(1) / Shape().num_kv_heads;
  Tensor4 attended = Tensor4::from_shape(queries.shape());  // [B, H, T, D]
  for (std::size_t b = 0; b < rows.size(); ++b) {
    const Sequence& sequence = Find("PagedCache::Attend", rows[b]);
    // [T, S]
    Tensor2 scores = Tensor2::from_shape({queries.shape(2), sequence.len});
    for (std::size_t h = 0; h < queries.shape(1); ++h) {
      const HeadOfTable head = {.table = sequence.table,
                                .len = sequence.len,
                                .layer = layer,
                                .kv_head = h / heads_per_kv_head};
      AttendHead(
          HeadMatrix(queries, b, h),
          {.keys = pool_.PagedKeys(head), .values = pool_.PagedValues(head)},
          Rows(scores), HeadMatrix(attended, b, h));
    }
  }
  return attended;
}

void PagedCache::Truncate(SequenceId sequence, std::size_t past_len) {
  Sequence& shortened = Find("PagedCache::Truncate", sequence);
  if (past_len > shortened.len) {
    throw ContractError("PagedCache::Truncate: there are fewer tokens",
                        "sequence " + std::to_string(sequence.number) +
                            " holds " + std::to_string(shortened.len) +
                            ", asked to keep " + std::to_string(past_len),
                        "truncate to at most Len()");
  }
  // TODO(5.3): forget tokens, and give up the blocks that held them alone.
  // BEGIN SOLUTION PagedCache::Truncate
  while (shortened.table.size() > BlocksFor(past_len, Shape())) {
    pool_.Release(shortened.table.back());
    shortened.table.pop_back();
  }
  shortened.len = past_len;
  shortened.unwritten = 0;
}

void PagedCache::Release(SequenceId sequence) {
  const Sequence& released = Find("PagedCache::Release", sequence);
  // TODO(5.3): give up all blocks, and forget the sequence.
  // BEGIN SOLUTION PagedCache::Release
  for (const BlockId block : released.table) pool_.Release(block);
  sequences_.erase(sequence);
}

SequenceId PagedCache::Fork(SequenceId sequence) {
  Sequence& forked = Find("PagedCache::Fork", sequence);
  // TODO(5.4): the same table, and one more owner for each of its blocks.
  // BEGIN SOLUTION PagedCache::Fork
  for (const BlockId block : forked.table) pool_.Share(block);
  forked.unwritten = 0;
  const SequenceId fork = Start();
  sequences_.at(fork) = forked;
  return fork;
}

std::size_t PagedCache::CopiesNeeded(std::span<const Extension> rows) const {
  const bool any_shared = std::ranges::any_of(rows, [&](const Extension& row) {
    return SharesLastBlock(Find("PagedCache::Extend", row.sequence));
  });
  if (!any_shared) return 0;  // given: without forks nothing is copied
  // TODO(5.4): count the copies that Extend will make of shared blocks.
  // BEGIN SOLUTION PagedCache::CopiesNeeded
  std::size_t copies = 0;
  // Owners of each shared block that the rows before have left to it.
  std::map<BlockId, std::size_t> owners;
  for (const Extension& row : rows) {
    const Sequence& sequence = Find("PagedCache::Extend", row.sequence);
    if (row.new_len == 0 || sequence.len % Shape().block_size == 0) continue;
    const BlockId last = sequence.table.back();
    const auto left = owners.try_emplace(last, pool_.Owners(last)).first;
    if (left->second == 1) continue;
    ++copies;
    --left->second;
  }
  return copies;
}

void PagedCache::CopySharedBlock(Sequence& sequence) {
  if (!SharesLastBlock(sequence)) return;  // given
  // TODO(5.4): if tokens will be written into it, a copy of its own.
  // BEGIN SOLUTION PagedCache::CopySharedBlock
  const std::size_t filled = sequence.len % Shape().block_size;
  if (filled == 0) return;  // full: what comes next goes into another block
  const BlockId shared = sequence.table.back();
  const BlockId own = pool_.Take();
  for (std::size_t layer = 0; layer < Shape().num_layers; ++layer) {
    for (std::size_t head = 0; head < Shape().num_kv_heads; ++head) {
      const BlockPlace from = {shared, layer, head};
      const BlockPlace to = {own, layer, head};
      CopyRows(RowRange(pool_.Keys(from), 0, filled),
               RowRange(pool_.Keys(to), 0, filled));
      CopyRows(RowRange(pool_.Values(from), 0, filled),
               RowRange(pool_.Values(to), 0, filled));
    }
  }
  sequence.table.back() = own;
  pool_.Release(shared);
  ++blocks_copied_;
}

SequenceId PagedCache::StartWith(std::span<const TokenId> prompt) {
  // TODO(5.5): a sequence of the blocks that the index finds.
  // BEGIN SOLUTION PagedCache::StartWith
  const SequenceId sequence = Start();
  Sequence& started = sequences_.at(sequence);
  started.table = kept_.Find(prompt);
  for (const BlockId block : started.table) pool_.Share(block);
  started.len = started.table.size() * Shape().block_size;
  return sequence;
}

void PagedCache::Keep(SequenceId sequence, std::span<const TokenId> tokens) {
  const Sequence& kept = Find("PagedCache::Keep", sequence);
  if (tokens.size() != kept.len) {
    throw ContractError("PagedCache::Keep: another number of tokens",
                        "sequence " + std::to_string(sequence.number) +
                            " holds " + std::to_string(kept.len) + ", and " +
                            std::to_string(tokens.size()) + " came",
                        "give the tokens of the sequence from position 0 on");
  }
  // TODO(5.5): the index becomes an owner of the blocks that it adds.
  // BEGIN SOLUTION PagedCache::Keep
  for (const BlockId block : kept_.Add(tokens, kept.table)) pool_.Share(block);
}

void PagedCache::ForgetKept() {
  // TODO(5.5): the index gives up its blocks.
  // BEGIN SOLUTION PagedCache::ForgetKept
  for (const BlockId block : kept_.Clear()) pool_.Release(block);
}

}  // namespace kvlab
