#include "modules/05_beyond/prefix_index.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

// BEGIN SOLUTION-ONLY
namespace {

// One step of a hash: `hash` and 64 more bits become 64 bits. Multiplication
// carries each bit to those above it, and the shifts bring the upper ones back
// down, so no step is linear in the token. The numbers are those of
// MurmurHash3's finalizer (Appleby 2011, public domain).
std::uint64_t Mixed(std::uint64_t hash, std::uint64_t bits) {
  hash = (hash ^ bits) * 0xff51afd7ed558ccdU;
  hash = (hash ^ (hash >> 33U)) * 0xc4ceb9fe1a85ec53U;
  return hash ^ (hash >> 33U);
}

}  // namespace
// END SOLUTION-ONLY

std::uint64_t HashBlock(std::uint64_t parent, std::span<const TokenId> tokens) {
  // TODO(5.5): a number that depends on all of the block and on its parent.
  // BEGIN SOLUTION HashBlock
  std::uint64_t hash = Mixed(parent, tokens.size() + 1);
  for (const TokenId token : tokens) {
    hash = Mixed(hash, static_cast<std::uint32_t>(token));
  }
  return hash;
}

std::size_t PrefixIndex::Child(std::size_t parent,
                               std::span<const TokenId> tokens) const {
  // TODO(5.5): look where the hash says, and believe nothing unseen.
  // BEGIN SOLUTION PrefixIndex::Child
  const auto [first, last] = by_hash_.equal_range(HashAfter(parent, tokens));
  for (auto found = first; found != last; ++found) {
    const Entry& entry = entries_[found->second];
    if (entry.parent == parent && std::ranges::equal(entry.tokens, tokens)) {
      return found->second;
    }
  }
  return kNone;
}

std::vector<BlockId> PrefixIndex::Find(std::span<const TokenId> tokens) const {
  std::vector<BlockId> blocks;
  // TODO(5.5): from child to child, as far as there is one.
  // BEGIN SOLUTION PrefixIndex::Find
  std::size_t entry = kNone;
  for (std::size_t i = 0; i < tokens.size() / block_size_; ++i) {
    entry = Child(entry, tokens.subspan(i * block_size_, block_size_));
    if (entry == kNone) break;
    blocks.push_back(entries_[entry].block);
  }
  return blocks;
}

std::vector<BlockId> PrefixIndex::Add(std::span<const TokenId> tokens,
                                      std::span<const BlockId> table) {
  if (table.size() < tokens.size() / block_size_) {
    throw ContractError("PrefixIndex::Add: the table is too short",
                        std::to_string(tokens.size()) + " tokens, and " +
                            std::to_string(table.size()) + " blocks of " +
                            std::to_string(block_size_),
                        "give the table of the sequence with these tokens");
  }
  entries_.reserve(entries_.size() + tokens.size() / block_size_);
  std::vector<BlockId> added;
  // TODO(5.5): from child to child; where there is none, one is made.
  // BEGIN SOLUTION PrefixIndex::Add
  std::size_t parent = kNone;
  for (std::size_t i = 0; i < tokens.size() / block_size_; ++i) {
    const std::span<const TokenId> block =
        tokens.subspan(i * block_size_, block_size_);
    std::size_t entry = Child(parent, block);
    if (entry == kNone) {
      entry = entries_.size();
      const std::uint64_t hash = HashAfter(parent, block);
      entries_.push_back({.parent = parent,
                          .hash = hash,
                          .tokens = {block.begin(), block.end()},
                          .block = table[i]});
      by_hash_.emplace(hash, entry);
      added.push_back(table[i]);
    }
    parent = entry;
  }
  return added;
}

std::vector<BlockId> PrefixIndex::Clear() {
  std::vector<BlockId> blocks;
  for (const Entry& entry : entries_) blocks.push_back(entry.block);
  entries_.clear();
  by_hash_.clear();
  return blocks;
}

}  // namespace kvlab
