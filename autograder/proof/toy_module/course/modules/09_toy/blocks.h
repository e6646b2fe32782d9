// Module 9: storage in blocks of a fixed number of tokens.
#ifndef KVLAB_MODULES_09_TOY_BLOCKS_H_
#define KVLAB_MODULES_09_TOY_BLOCKS_H_

#include <cstddef>

namespace kvlab {

// Task 9.1. How many blocks of `block_size` tokens hold `tokens` tokens. The
// last block may be partly empty. Cost O(1). Throws ContractError if
// `block_size` is 0.
std::size_t BlocksFor(std::size_t tokens, std::size_t block_size);

// Task 9.2. How many slots of those blocks hold no token. Throws as BlocksFor.
std::size_t EmptySlots(std::size_t tokens, std::size_t block_size);

}  // namespace kvlab

#endif  // KVLAB_MODULES_09_TOY_BLOCKS_H_
