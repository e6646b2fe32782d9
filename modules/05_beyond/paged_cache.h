// Module 5: a cache whose sequences take blocks from one pool as they grow, and
// share the blocks of what they have in common.
//
// Shapes: B rows of a batch, L layers, H query heads, G key/value heads (G
// divides H), T new tokens, S tokens that a sequence holds, D head_dim; P
// tokens in a block. Rows may hold different numbers of tokens. If they get
// different numbers of new ones, the shorter are padded on the left, as in
// module 2: row b has its tokens in the last columns of T.
//
// One pass of a model:
//   cache.Extend({{a, 3}, {b, 1}});            // room, for all rows or none
//   for each layer:
//     cache.Write(layer, {a, b}, keys, values);      // [B, G, 3, D]
//     attended = cache.Attend(layer, {a, b}, queries);  // [B, H, 3, D]
// Source: Kwon et al. 2023, arXiv:2309.06180.
#ifndef KVLAB_MODULES_05_BEYOND_PAGED_CACHE_H_
#define KVLAB_MODULES_05_BEYOND_PAGED_CACHE_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "kit/tensor/tensor.h"
#include "modules/05_beyond/block_pool.h"
#include "modules/05_beyond/prefix_index.h"

namespace kvlab {

// A sequence of a cache. Numbers are not used again, so a released sequence is
// never taken for another.
struct SequenceId {
  std::uint64_t number = 0;
  friend auto operator<=>(const SequenceId&, const SequenceId&) = default;
};

// One row of Extend.
struct Extension {
  SequenceId sequence;
  std::size_t new_len = 0;  // tokens, 0 or more
};

// What a cache has done since it was made.
struct PageCounts {
  std::size_t blocks_in_use = 0;  // now
  std::size_t blocks_copied = 0;
  // new_len of all rows of all Extends: a token whose keys and values are
  // found in a shared block is not among them.
  std::size_t tokens_appended = 0;
  friend bool operator==(const PageCounts&, const PageCounts&) = default;
};

class PagedCache {
 public:
  // An empty pool, and no sequences. `hash` is for task 5.5.
  // Throws ContractError if a size is 0.
  explicit PagedCache(const PageShape& shape, BlockHash hash = HashBlock);

  // A new sequence that holds no token and no block.
  SequenceId Start();

  // Task 5.3. Makes room for new_len more tokens of each row, after the Len()
  // that it holds: a sequence of S tokens has ceil(S / P) blocks, and takes a
  // block when the last one is full, not before. Write fills the new rows.
  // If the last block of a row has room and other owners, the row gets a copy
  // of its own before anything is written (CopySharedBlock, task 5.4).
  // Either all rows get what they need or none: if the pool has fewer free
  // blocks than all rows need together, copies included (CopiesNeeded), throws
  // ContractError and changes nothing. Throws the same for a sequence that was
  // released or never started, and for one that is named twice.
  // Cost: O(blocks taken) and the copies; nothing stored is moved.
  void Extend(std::span<const Extension> rows);

  // Task 5.3. Stores one layer's keys and values of the tokens that the last
  // Extend made room for: those of row b are in its last columns, and columns
  // before them are padding. Token i of a sequence is in block Table()[i / P],
  // row i % P.
  //   rows          sequences, in any order, each once
  //   keys, values  [B, G, T, D], T at least the new_len of each row
  // A Truncate or Fork in between ends it: then there is nothing left to write.
  // Cost: O(tokens written), nothing is allocated; no other row is touched.
  // Throws ContractError, changing nothing, if a shape disagrees, or for a
  // layer or sequence that does not exist.
  void Write(std::size_t layer, std::span<const SequenceId> rows,
             const Tensor4& keys, const Tensor4& values);

  // Task 5.3. softmax(q k^T / sqrt(D)) v of each row's newest tokens over all S
  // that it holds, block by block, in the order of its table: query i of row b
  // is at position p = S - T + i and sees positions 0 .. p of this sequence,
  // wherever their blocks are. A query with p < 0 is padding and yields zeros.
  // Query head h reads key/value head h / (H / G).
  //   queries  [B, H, T, D]
  //   returns  [B, H, T, D]
  // The result is that of CausalAttention (module 1) over each row's keys and
  // values copied together, up to rounding. Keys and values are not copied.
  // Work: as CausalAttention's, each pair of query and key that is computed
  // counts 2 * D multiply-accumulates, as Work::kAttention.
  // Throws ContractError if a shape disagrees, G does not divide H, or for a
  // layer or sequence that does not exist.
  Tensor4 Attend(std::size_t layer, std::span<const SequenceId> rows,
                 const Tensor4& queries) const;

  // Task 5.3. Forgets all tokens from position `past_len` on, and gives up each
  // block that holds none of the others. Cost: O(blocks given up); keys and
  // values are neither read nor written, since others may own the block.
  // Throws ContractError, changing nothing, if past_len exceeds Len(), or for a
  // sequence that was released or never started.
  void Truncate(SequenceId sequence, std::size_t past_len);

  // Task 5.3. Ends the sequence: gives up all of its blocks. Cost: O(blocks).
  // Throws ContractError, changing nothing, for a sequence that was released
  // before or never started.
  void Release(SequenceId sequence);

  // Task 5.4. A new sequence with the same tokens: it shares all blocks of
  // `sequence`, the partly filled last one too, so no key or value is copied.
  // From then on, each may be extended, truncated and released without any
  // effect on the other. Cost: O(blocks).
  // Throws ContractError, changing nothing, as Truncate.
  SequenceId Fork(SequenceId sequence);

  // Task 5.5. A new sequence that shares the longest run of kept blocks whose
  // tokens, from position 0 on, are those of `prompt`: full blocks only. Its
  // Len() is P times the number of these blocks; Extend has to be asked only
  // for the rest of the prompt. (The logits after a prompt are computed from
  // its last token, so generation asks for a prompt without that token.)
  // Cost: O(tokens of the prompt), if few hashes are equal.
  SequenceId StartWith(std::span<const TokenId> prompt);

  // Task 5.5. Keeps the full blocks of `sequence` for later prompts: an index
  // becomes one more owner of each of them that it does not have yet. If it
  // has a block with the same tokens after the same blocks, that one stays, and
  // this one gets no owner.
  //   tokens  the sequence's, from position 0 on: Len() of them
  // Throws ContractError, changing nothing, for another number of tokens, or
  // for a sequence that was released or never started.
  void Keep(SequenceId sequence, std::span<const TokenId> tokens);

  // Task 5.5. Empties the index, and gives up the blocks that it owned.
  void ForgetKept();

  // Tokens that a sequence holds. This and Table throw ContractError for a
  // sequence that was released or never started.
  std::size_t Len(SequenceId sequence) const;

  // The blocks of a sequence, in the order of its tokens; valid until the
  // sequence changes.
  std::span<const BlockId> Table(SequenceId sequence) const;

  const PageShape& Shape() const { return pool_.Shape(); }
  const BlockPool& Pool() const { return pool_; }
  PageCounts Counts() const {
    return {.blocks_in_use = pool_.BlocksInUse(),
            .blocks_copied = blocks_copied_,
            .tokens_appended = tokens_appended_};
  }

 private:
  struct Sequence {
    std::vector<BlockId> table;  // ceil(len / P) blocks
    std::size_t len = 0;
    std::size_t unwritten = 0;  // what the last Extend made room for
  };

  // Task 5.4. How many blocks Extend has to copy for these rows: one for each
  // row that gets new tokens and whose last block is partly filled and has
  // another owner. Rows are extended in order, and a row that has its copy no
  // longer owns the shared block: of two rows that are its only owners, one
  // copies it.
  std::size_t CopiesNeeded(std::span<const Extension> rows) const;

  // Task 5.4. If the last block of `sequence` is partly filled and has another
  // owner: takes a block, copies the rows of all layers and heads that are
  // filled, keys and values, puts it into the table in place of the shared one,
  // and gives that one up. Counts blocks_copied_. A full block is never written
  // again, so it is never copied.
  void CopySharedBlock(Sequence& sequence);

  // Given. Whether the last block of `sequence` has another owner.
  bool SharesLastBlock(const Sequence& sequence) const;

  // Given. The sequence of this number; a ContractError that begins with `who`
  // if it was released or never started.
  const Sequence& Find(const std::string& who, SequenceId sequence) const;
  Sequence& Find(const std::string& who, SequenceId sequence);

  // Given. Throw what Extend, Write and Attend promise to throw, except for a
  // full pool.
  void CheckExtend(std::span<const Extension> rows) const;
  void CheckWrite(std::size_t layer, std::span<const SequenceId> rows,
                  const Tensor4& keys, const Tensor4& values) const;
  void CheckAttend(std::size_t layer, std::span<const SequenceId> rows,
                   const Tensor4& queries) const;
  void CheckRows(const std::string& who, std::size_t layer,
                 std::span<const SequenceId> rows) const;

  BlockPool pool_;
  PrefixIndex kept_;
  std::map<SequenceId, Sequence> sequences_;
  std::uint64_t started_ = 0;  // sequences so far: the next one's number
  std::size_t blocks_copied_ = 0;
  std::size_t tokens_appended_ = 0;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_PAGED_CACHE_H_
