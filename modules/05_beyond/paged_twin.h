// For tests of the paged cache: a cache and its plain model, called alike and
// compared after each call.
#ifndef KVLAB_MODULES_05_BEYOND_PAGED_TWIN_H_
#define KVLAB_MODULES_05_BEYOND_PAGED_TWIN_H_

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "modules/05_beyond/page_model.h"
#include "modules/05_beyond/paged_cache.h"

namespace kvlab {

// One layer's keys and values of a sequence, copied together in the order of
// its tokens: [num_kv_heads, S, head_dim] each.
struct HeldTokens {
  Tensor3 keys;
  Tensor3 values;
};
HeldTokens Gather(const PagedCache& cache, std::size_t layer,
                  SequenceId sequence);

// softmax(q k^T / sqrt(D)) v of each row over its gathered tokens, in double,
// position by position: what Attend has to give.
//   queries  [B, H, T, D]
//   returns  [B, H, T, D]
Tensor4 AttendPlainly(const PagedCache& cache, std::size_t layer,
                      std::span<const SequenceId> rows, const Tensor4& queries);

// How many queries a comparison of attention asks for.
struct QueriesPerRow {
  std::size_t heads_per_kv_head = 1;
  std::size_t new_len = 1;
};

class PagedTwin {
 public:
  explicit PagedTwin(const PageShape& shape, BlockHash hash = HashBlock);

  PagedCache& Cache() { return cache_; }
  const PageModel& Model() const { return model_; }

  SequenceId Start();
  SequenceId Fork(SequenceId sequence);
  SequenceId StartWith(std::span<const TokenId> prompt);
  // Extends all rows and writes all layers; keys and values differ in every
  // token, layer, head and feature, and padding is -777.25. If the model's pool
  // is too small, expects a ContractError instead. Returns whether there was
  // room.
  bool Append(const std::vector<Extension>& rows);
  // Writes a block of padding for rows that a Truncate or Fork has left nothing
  // to write for: no token may change.
  void WritePadding(const std::vector<SequenceId>& rows);
  void Truncate(SequenceId sequence, std::size_t past_len);
  void Release(SequenceId sequence);
  void Keep(SequenceId sequence, std::span<const TokenId> tokens);
  void ForgetKept();

  // Whether all counts are the model's, every block has the owners that it
  // should have, and every sequence holds its own tokens, as if it were alone.
  ::testing::AssertionResult Agree() const;

  // Whether a random layer's attention of random queries is that over the
  // tokens that the rows hold; Agree says that these are the right ones.
  ::testing::AssertionResult AttendAgrees(const std::vector<SequenceId>& rows,
                                          const QueriesPerRow& per_row,
                                          Random& random) const;

  // Blocks that the model's sequences and kept prompts leave free.
  std::size_t FreeBlocks() const {
    return cache_.Shape().num_blocks - model_.BlocksInUse();
  }

  // Releases everything; whether all blocks are free again, and each can be
  // taken once.
  ::testing::AssertionResult LeavesNothing();

  // One of the model's sequences, of which there must be one; one of the newest
  // four half of the time.
  SequenceId AnySequence(Random& random) const;

 private:
  ::testing::AssertionResult SequenceAgrees(SequenceId sequence) const;

  PagedCache cache_;
  PageModel model_;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_PAGED_TWIN_H_
