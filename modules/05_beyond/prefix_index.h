// Module 5: finds the blocks of an earlier prompt that begins as a new one
// does.
// Source: Kwon et al. 2023, arXiv:2309.06180, section 4.4 (shared prefix);
// the hash of a block and all blocks before it is that of vLLM's automatic
// prefix caching.
#ifndef KVLAB_MODULES_05_BEYOND_PREFIX_INDEX_H_
#define KVLAB_MODULES_05_BEYOND_PREFIX_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "kit/tensor/tensor.h"
#include "modules/05_beyond/block_pool.h"

namespace kvlab {

// The hash of a block's tokens and of `parent`, the hash of the block before it
// (0 if there is none).
using BlockHash = std::uint64_t (*)(std::uint64_t parent,
                                    std::span<const TokenId> tokens);

// Task 5.5. Depends on every bit of every token, on their order, on their
// number and on every bit of `parent`. Two different blocks have the same hash
// about as often as two random numbers of 64 bits are equal, also if they were
// chosen to fool a polynomial in the tokens. Cost: O(tokens).
std::uint64_t HashBlock(std::uint64_t parent, std::span<const TokenId> tokens);

// A tree of blocks: the children of a block are those that followed it in some
// prompt. Keys and values depend on all tokens before them, so two blocks may
// replace each other only if their tokens and all blocks before them are equal.
// A hash says where to look, and equal hashes prove nothing: every match is
// compared.
class PrefixIndex {
 public:
  // Blocks of block_size tokens, found by `hash`: any function, even one that
  // is always 0, gives the same results.
  PrefixIndex(std::size_t block_size, BlockHash hash)
      : block_size_(block_size), hash_(hash) {}

  // Task 5.5. The blocks of the longest run, from position 0 on, of full blocks
  // whose tokens are those of `tokens`; tokens after the last full block are
  // ignored. Cost: O(tokens), if few hashes are equal.
  std::vector<BlockId> Find(std::span<const TokenId> tokens) const;

  // Task 5.5. Adds the full blocks of `tokens` that it does not have yet, each
  // as a child of the block before it, which may be one that it had; the others
  // stay as they are. Returns the blocks added, in order.
  //   table  at least as many blocks as `tokens` fills
  // Cost: as Find's. Throws ContractError, adding nothing, if the table is
  // shorter.
  std::vector<BlockId> Add(std::span<const TokenId> tokens,
                           std::span<const BlockId> table);

  // Empties the index; returns the blocks that it had, each once.
  std::vector<BlockId> Clear();

  // Blocks that it has.
  std::size_t Size() const { return entries_.size(); }

 private:
  // The entries before the first block of a prompt, and after the last one
  // that matches.
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  struct Entry {
    std::size_t parent = kNone;   // an entry, or kNone for a first block
    std::uint64_t hash = 0;       // of its tokens and its parent's hash
    std::vector<TokenId> tokens;  // block_size of them
    BlockId block = 0;
  };

  // Task 5.5. The entry with these tokens whose parent is the entry `parent`;
  // kNone if there is none.
  std::size_t Child(std::size_t parent, std::span<const TokenId> tokens) const;

  // Given. The hash of a block with these tokens after the entry `parent`.
  std::uint64_t HashAfter(std::size_t parent,
                          std::span<const TokenId> tokens) const {
    return hash_(parent == kNone ? 0 : entries_[parent].hash, tokens);
  }

  std::size_t block_size_;
  BlockHash hash_;
  std::vector<Entry> entries_;
  // Entries by their hash; several may have the same.
  std::unordered_multimap<std::uint64_t, std::size_t> by_hash_;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_PREFIX_INDEX_H_
