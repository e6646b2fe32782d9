// What a paged cache has to hold and to count, on plain lists: no pool, no
// reference counts, nothing that a step could leave behind. Tests compare the
// cache with it after every call.
#ifndef KVLAB_MODULES_05_BEYOND_PAGE_MODEL_H_
#define KVLAB_MODULES_05_BEYOND_PAGE_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "kit/tensor/tensor.h"

namespace kvlab {

struct PageModelSizes {
  std::size_t num_blocks = 0;
  std::size_t block_size = 0;
};

class PageModel {
 public:
  using Sequence = std::uint64_t;  // numbered from 0, as a cache's
  // Every token that is appended has a number of its own, from 0. Its keys and
  // values are up to the test.
  using Row = std::size_t;

  explicit PageModel(const PageModelSizes& sizes) : sizes_(sizes) {}

  Sequence Start() { return StartWithTable({}); }
  // {sequence, new_len} for each row. False, changing nothing, if all rows
  // together need more blocks than are free.
  bool Extend(const std::vector<std::pair<Sequence, std::size_t>>& extensions);
  // Forgets all tokens from position `end` on.
  void Truncate(Sequence sequence, std::size_t end);
  void Release(Sequence sequence) { tables_.erase(sequence); }
  Sequence Fork(Sequence sequence);

  Sequence StartWith(std::span<const TokenId> prompt);
  void Keep(Sequence sequence, std::span<const TokenId> tokens);
  void ForgetKept() { kept_.clear(); }
  bool KeepsAny() const { return !kept_.empty(); }

  // The rows of a sequence, in order.
  std::vector<Row> Rows(Sequence sequence) const;
  std::vector<Sequence> Sequences() const;

  std::size_t BlocksInUse() const;
  std::size_t BlocksCopied() const { return copied_; }
  std::size_t TokensAppended() const { return appended_; }
  // For each block of a sequence, how many tables and kept prompts have it.
  std::vector<std::size_t> Owners(Sequence sequence) const;

 private:
  using Block = std::size_t;

  Sequence StartWithTable(std::vector<Block> table);
  Block NewBlock(std::vector<Row> rows);
  std::size_t OwnersOf(Block block) const;

  PageModelSizes sizes_;
  std::map<Sequence, std::vector<Block>> tables_;
  // All blocks that there ever were, each with the rows that it holds.
  std::vector<std::vector<Row>> blocks_;
  // The last block of each kept prefix, by all of its tokens.
  std::map<std::vector<TokenId>, Block> kept_;
  // A sequence may hold fewer rows than its last block, which others share.
  std::map<Sequence, std::size_t> lens_;
  Sequence started_ = 0;
  std::size_t copied_ = 0;
  std::size_t appended_ = 0;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_PAGE_MODEL_H_
