// Module 5: storage for keys and values, cut into blocks of a fixed number of
// tokens, and the count of each block's owners.
// Source: Kwon et al. 2023, arXiv:2309.06180, sections 4.1 to 4.4
// (PagedAttention; its "physical KV blocks" and their reference counts).
#ifndef KVLAB_MODULES_05_BEYOND_BLOCK_POOL_H_
#define KVLAB_MODULES_05_BEYOND_BLOCK_POOL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kit/tensor/paged_matrix.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

// A block holds keys and values of block_size tokens of one sequence in all
// layers, so a sequence needs one table of blocks, not one for each layer.
struct PageShape {
  std::size_t num_blocks = 0;    // N, blocks in the pool
  std::size_t block_size = 0;    // P, tokens in a block
  std::size_t num_layers = 0;    // L
  std::size_t num_kv_heads = 0;  // G
  std::size_t head_dim = 0;      // D
};

// Blocks are numbered 0 .. num_blocks - 1.
using BlockId = std::size_t;

// One matrix of a block.
struct BlockPlace {
  BlockId block = 0;
  std::size_t layer = 0;
  std::size_t kv_head = 0;
};

// One layer and head of the first `len` tokens of a sequence.
struct HeadOfTable {
  std::span<const BlockId> table;  // at least ceil(len / block_size) blocks
  std::size_t len = 0;
  std::size_t layer = 0;
  std::size_t kv_head = 0;
};

// The blocks, each free or with one owner or more. An owner is whatever may
// read a block: a sequence, or an index of prompts. The pool never grows.
class BlockPool {
 public:
  // Reserves num_blocks blocks, filled with NaN so that a row read before it is
  // written cannot pass for a result; all are free.
  // Throws ContractError if a size is 0.
  explicit BlockPool(const PageShape& shape);

  const PageShape& Shape() const { return shape_; }

  // Task 5.3. Takes a block off the free list, whichever, and gives it one
  // owner. What the block held before is neither read nor written.
  // Cost: O(1), nothing is allocated.
  // Throws ContractError, changing nothing, if no block is free.
  BlockId Take();

  // Task 5.3. One more owner for a block in use. Cost: O(1).
  // Throws ContractError, changing nothing, if there is no such block, or it is
  // free.
  void Share(BlockId block);

  // Task 5.3. One owner fewer. A block that loses its last owner is free again,
  // and on the free list once; one that has owners left is not touched.
  // Cost: O(1), nothing is allocated.
  // Throws ContractError, changing nothing, if there is no such block, or it is
  // free: freed twice, it would be given to two sequences.
  void Release(BlockId block);

  // Owners of a block, 0 if it is free. Throws std::out_of_range if there is no
  // such block.
  std::size_t Owners(BlockId block) const { return owners_.at(block); }

  std::size_t FreeBlocks() const { return free_.size(); }
  std::size_t BlocksInUse() const { return shape_.num_blocks - free_.size(); }

  // The rows of one layer and head of a block, [block_size, head_dim], one for
  // each token. In O(1); not checked, as all matrices (kit/tensor/tensor.h).
  Matrix Keys(const BlockPlace& place) {
    return HeadMatrix(keys_, place.block, Head(place));
  }
  Matrix Values(const BlockPlace& place) {
    return HeadMatrix(values_, place.block, Head(place));
  }
  ConstMatrix Keys(const BlockPlace& place) const {
    return HeadMatrix(keys_, place.block, Head(place));
  }
  ConstMatrix Values(const BlockPlace& place) const {
    return HeadMatrix(values_, place.block, Head(place));
  }

  // The rows of one layer and head of a sequence, [len, head_dim], in whichever
  // blocks they are: kit/math/paged_products.h multiplies them. In O(1); not
  // checked; valid while the table is.
  PagedMatrix PagedKeys(const HeadOfTable& head) const {
    return Paged(keys_, head);
  }
  PagedMatrix PagedValues(const HeadOfTable& head) const {
    return Paged(values_, head);
  }

  // Bytes reserved: 2 * N * P * L * G * D * 4, however many blocks are in use.
  std::uint64_t Bytes() const {
    return (keys_.size() + values_.size()) * sizeof(float);
  }

 private:
  std::size_t Head(const BlockPlace& place) const {
    return place.layer * shape_.num_kv_heads + place.kv_head;
  }

  PagedMatrix Paged(const Tensor4& storage, const HeadOfTable& head) const {
    const std::size_t size = shape_.block_size * shape_.head_dim;
    const std::size_t heads = shape_.num_layers * shape_.num_kv_heads;
    const std::size_t at = head.layer * shape_.num_kv_heads + head.kv_head;
    return {.data = storage.data() + at * size,
            .block_stride = heads * size,
            .block_rows = shape_.block_size,
            .table = head.table,
            .rows = head.len,
            .cols = shape_.head_dim};
  }

  PageShape shape_;
  Tensor4 keys_;    // [num_blocks, num_layers * num_kv_heads, block_size,
  Tensor4 values_;  //  head_dim]
  std::vector<std::size_t> owners_;  // [num_blocks], 0 for a free block
  std::vector<BlockId> free_;        // with room for all of them
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_BLOCK_POOL_H_
