// Fill in the TODOs: the header says what is promised, README.md says why.
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
  throw NotImplemented("BlockPool::Take", "module 5, task 3");
}

void BlockPool::Share(BlockId block) {
  // TODO(5.3): one more owner for a block in use.
  throw NotImplemented("BlockPool::Share", "module 5, task 3");
}

void BlockPool::Release(BlockId block) {
  // TODO(5.3): one owner fewer; the last one frees the block.
  throw NotImplemented("BlockPool::Release", "module 5, task 3");
}

}  // namespace kvlab
