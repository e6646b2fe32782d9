#include "modules/05_beyond/block_pool.h"

#include <array>
#include <cstddef>
#include <limits>
#include <string>

#include "kit/error.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

// Given. Throws if a size of the pool is 0.
void CheckSizes(const PageShape& shape) {
  if (shape.num_blocks == 0 || shape.block_size == 0 || shape.num_layers == 0 ||
      shape.num_kv_heads == 0 || shape.head_dim == 0) {
    const std::array<std::size_t, 5> sizes = {
        shape.num_blocks, shape.block_size, shape.num_layers,
        shape.num_kv_heads, shape.head_dim};
    throw ContractError(
        "BlockPool: a size is 0",
        "[num_blocks, block_size, num_layers, num_kv_heads, head_dim] is " +
            ShapeText(sizes),
        "a pool has one block of one token, or more");
  }
}

// Given. Storage for all keys or all values, filled with NaN.
Tensor4 EmptyStorage(const PageShape& shape) {
  // [N, L * G, P, D]
  Tensor4 storage = Tensor4::from_shape({shape.num_blocks,
                                         shape.num_layers * shape.num_kv_heads,
                                         shape.block_size, shape.head_dim});
  storage.fill(std::numeric_limits<float>::quiet_NaN());
  return storage;
}

// BEGIN SOLUTION-ONLY
// Throws unless the block exists and is in use.
void CheckInUse(const std::string& who, BlockId block,
                const std::vector<std::size_t>& owners) {
  if (block >= owners.size()) {
    throw ContractError(who + ": there is no block " + std::to_string(block),
                        "the pool has " + std::to_string(owners.size()),
                        "count blocks from 0");
  }
  if (owners[block] == 0) {
    throw ContractError(
        who + ": block " + std::to_string(block) + " is free",
        "it was never taken, or has lost its last owner already",
        "give up a block once for each owner, and do not use it afterwards");
  }
}
// END SOLUTION-ONLY

}  // namespace

BlockPool::BlockPool(const PageShape& shape) : shape_(shape) {
  CheckSizes(shape);
  keys_ = EmptyStorage(shape);
  values_ = EmptyStorage(shape);
  owners_.resize(shape.num_blocks);
  free_.reserve(shape.num_blocks);
  for (BlockId block = shape.num_blocks; block > 0; --block) {
    free_.push_back(block - 1);
  }
}

BlockId BlockPool::Take() {
  // TODO(5.3): a free block gets its first owner, unless there is none.
  // BEGIN SOLUTION BlockPool::Take
  if (free_.empty()) {
    throw ContractError("BlockPool::Take: no block is free",
                        "all " + std::to_string(owners_.size()) +
                            " blocks of the pool are in use",
                        "release a sequence, or build a larger pool");
  }
  const BlockId block = free_.back();
  free_.pop_back();
  owners_[block] = 1;
  return block;
}

void BlockPool::Share(BlockId block) {
  // TODO(5.3): one more owner for a block in use.
  // BEGIN SOLUTION BlockPool::Share
  CheckInUse("BlockPool::Share", block, owners_);
  ++owners_[block];
}

void BlockPool::Release(BlockId block) {
  // TODO(5.3): one owner fewer; the last one frees the block.
  // BEGIN SOLUTION BlockPool::Release
  CheckInUse("BlockPool::Release", block, owners_);
  --owners_[block];
  if (owners_[block] == 0) free_.push_back(block);
}

}  // namespace kvlab
