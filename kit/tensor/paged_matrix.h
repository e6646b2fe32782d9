// A matrix whose rows are in blocks that a table names: the keys or the values
// of one head of a sequence in a paged cache.
#ifndef KVLAB_KIT_TENSOR_PAGED_MATRIX_H_
#define KVLAB_KIT_TENSOR_PAGED_MATRIX_H_

#include <cstddef>
#include <span>

namespace kvlab {

// Row i is row i % block_rows of block table[i / block_rows]; the blocks are in
// one storage, at equal distances, and those of a table in any order. Owns
// nothing.
struct PagedMatrix {
  const float* data = nullptr;   // the first row of block 0
  std::size_t block_stride = 0;  // floats from one block to the next
  std::size_t block_rows = 0;    // P
  std::span<const std::size_t> table;
  std::size_t rows = 0;  // at most P * table.size()
  std::size_t cols = 0;  // contiguous, as the rows of a block are
};

}  // namespace kvlab

#endif  // KVLAB_KIT_TENSOR_PAGED_MATRIX_H_
