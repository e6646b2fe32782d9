#include "kit/model/token_batch.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "kit/error.h"

namespace kvlab {

TokenBatch PadLeft(const std::vector<std::vector<TokenId>>& rows,
                   TokenId pad_id) {
  std::size_t seq_len = 0;
  for (const std::vector<TokenId>& row : rows) {
    if (row.empty()) {
      throw ContractError("PadLeft: a prompt has no tokens",
                          "there is no last position to predict from",
                          "start such a prompt with the end-of-text token");
    }
    seq_len = std::max(seq_len, row.size());
  }
  if (rows.empty()) {
    throw ContractError("PadLeft: there are no prompts",
                        "a batch has at least one row", "pass one prompt");
  }
  TokenBatch batch;
  // [batch, seq_len]
  batch.ids = Tokens::from_shape({rows.size(), seq_len});
  batch.ids.fill(pad_id);
  for (std::size_t b = 0; b < rows.size(); ++b) {
    const std::size_t pad = seq_len - rows[b].size();
    batch.left_pad.push_back(pad);
    std::copy(rows[b].begin(), rows[b].end(), &batch.ids(b, pad));
  }
  return batch;
}

TokenBatch SingleRow(const std::vector<TokenId>& row) {
  return PadLeft({row}, 0);
}

}  // namespace kvlab
