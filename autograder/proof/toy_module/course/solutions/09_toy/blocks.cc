#include "modules/09_toy/blocks.h"

#include <cstddef>

#include "kit/error.h"

namespace kvlab {
namespace {

// Given. Throws what both functions promise to throw.
void CheckBlockSize(std::size_t block_size) {
  if (block_size == 0) {
    throw ContractError("a block holds no token", "block_size is 0",
                        "give blocks of one token or more");
  }
}

}  // namespace

std::size_t BlocksFor(std::size_t tokens, std::size_t block_size) {
  CheckBlockSize(block_size);
  // TODO(9.1): divide, and round up.
  // BEGIN SOLUTION BlocksFor
  return tokens / block_size + (tokens % block_size == 0 ? 0 : 1);
}

std::size_t EmptySlots(std::size_t tokens, std::size_t block_size) {
  CheckBlockSize(block_size);
  // TODO(9.2): what the last block lacks.
  // BEGIN SOLUTION EmptySlots
  return tokens % block_size == 0 ? 0 : block_size - tokens % block_size;
}

}  // namespace kvlab
