// Fill in the TODOs: the header says what is promised, README.md says why.
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
  throw NotImplemented("PagedCache::Extend", "module 5, task 3");
}

void PagedCache::Write(std::size_t layer, std::span<const SequenceId> rows,
                       const Tensor4& keys, const Tensor4& values) {
  CheckWrite(layer, rows, keys, values);
  // TODO(5.3): each new token goes to its block and row, in every head.
  throw NotImplemented("PagedCache::Write", "module 5, task 3");
}

Tensor4 PagedCache::Attend(std::size_t layer, std::span<const SequenceId> rows,
                           const Tensor4& queries) const {
  CheckAttend(layer, rows, queries);
  // TODO(5.3): scores over all blocks, one softmax, values over all blocks.
  throw NotImplemented("PagedCache::Attend", "module 5, task 3");
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
  throw NotImplemented("PagedCache::Truncate", "module 5, task 3");
}

void PagedCache::Release(SequenceId sequence) {
  const Sequence& released = Find("PagedCache::Release", sequence);
  // TODO(5.3): give up all blocks, and forget the sequence.
  throw NotImplemented("PagedCache::Release", "module 5, task 3");
}

SequenceId PagedCache::Fork(SequenceId sequence) {
  Sequence& forked = Find("PagedCache::Fork", sequence);
  // TODO(5.4): the same table, and one more owner for each of its blocks.
  throw NotImplemented("PagedCache::Fork", "module 5, task 4");
}

std::size_t PagedCache::CopiesNeeded(std::span<const Extension> rows) const {
  const bool any_shared = std::ranges::any_of(rows, [&](const Extension& row) {
    return SharesLastBlock(Find("PagedCache::Extend", row.sequence));
  });
  if (!any_shared) return 0;  // given: without forks nothing is copied
  // TODO(5.4): count the copies that Extend will make of shared blocks.
  throw NotImplemented("PagedCache::CopiesNeeded", "module 5, task 4");
}

void PagedCache::CopySharedBlock(Sequence& sequence) {
  if (!SharesLastBlock(sequence)) return;  // given
  // TODO(5.4): if tokens will be written into it, a copy of its own.
  throw NotImplemented("PagedCache::CopySharedBlock", "module 5, task 4");
}

SequenceId PagedCache::StartWith(std::span<const TokenId> prompt) {
  // TODO(5.5): a sequence of the blocks that the index finds.
  throw NotImplemented("PagedCache::StartWith", "module 5, task 5");
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
  throw NotImplemented("PagedCache::Keep", "module 5, task 5");
}

void PagedCache::ForgetKept() {
  // TODO(5.5): the index gives up its blocks.
  throw NotImplemented("PagedCache::ForgetKept", "module 5, task 5");
}

}  // namespace kvlab
