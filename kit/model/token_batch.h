// Prompts of different lengths in one rectangular batch.
#ifndef KVLAB_KIT_MODEL_TOKEN_BATCH_H_
#define KVLAB_KIT_MODEL_TOKEN_BATCH_H_

#include <cstddef>
#include <vector>

#include "kit/tensor/tensor.h"

namespace kvlab {

// Token ids of `batch` rows, padded on the left so that all rows end at the
// same column: decoding then appends one column for all rows.
//   ids       [batch, seq_len]
//   left_pad  [batch]: how many leading columns of that row are padding, of
//             the whole sequence: it stays the same while decoding. Empty
//             means no row is padded.
struct TokenBatch {
  Tokens ids;
  std::vector<std::size_t> left_pad;
};

// Pads rows on the left with `pad_id` to the length of the longest.
// Throws ContractError for no rows or an empty row.
TokenBatch PadLeft(const std::vector<std::vector<TokenId>>& rows,
                   TokenId pad_id);

// One row, no padding. Throws ContractError if it is empty.
TokenBatch SingleRow(const std::vector<TokenId>& row);

}  // namespace kvlab

#endif  // KVLAB_KIT_MODEL_TOKEN_BATCH_H_
