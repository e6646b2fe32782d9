#include "modules/05_beyond/paged_twin.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

// Neither a key, which is a whole number, nor a value.
constexpr float kPadding = -777.25F;

// Values are the keys plus a half.
constexpr float kValue = 0.5F;

// Numbers of elements, and twice the size of the largest key: float32 holds a
// value of that size exactly.
constexpr std::size_t kElements = std::size_t{1} << 23U;
constexpr float kLargest = static_cast<float>(kElements) / 2;

// A number of its own for each element of each token. Neighbours are far apart,
// so that attention shows whose keys and values it read: an odd factor permutes
// the numbers below 2^23.
float Element(const PageShape& shape, PageModel::Row row,
              const BlockPlace& head, std::size_t d) {
  const std::size_t heads =
      (row * shape.num_layers + head.layer) * shape.num_kv_heads + head.kv_head;
  const std::size_t place = heads * shape.head_dim + d;
  return static_cast<float>(place * 0x9E3779B1U % kElements) - kLargest;
}

// Sums of head_dim products and of hundreds of weighted values, all of size 1.
constexpr float kTolerance = 2e-5F;

}  // namespace

HeldTokens Gather(const PagedCache& cache, std::size_t layer,
                  SequenceId sequence) {
  const PageShape& shape = cache.Shape();
  const std::size_t len = cache.Len(sequence);
  const std::span<const BlockId> table = cache.Table(sequence);
  HeldTokens held;
  held.keys = Tensor3::from_shape({shape.num_kv_heads, len, shape.head_dim});
  held.values = held.keys;
  for (std::size_t g = 0; g < shape.num_kv_heads; ++g) {
    for (std::size_t s = 0; s < len; ++s) {
      const BlockPlace place = {table[s / shape.block_size], layer, g};
      const std::size_t row = s % shape.block_size;
      std::ranges::copy(cache.Pool().Keys(place).Row(row), &held.keys(g, s, 0));
      std::ranges::copy(cache.Pool().Values(place).Row(row),
                        &held.values(g, s, 0));
    }
  }
  return held;
}

Tensor4 AttendPlainly(const PagedCache& cache, std::size_t layer,
                      std::span<const SequenceId> rows,
                      const Tensor4& queries) {
  Tensor4 attended = Tensor4::from_shape(queries.shape());
  attended.fill(0);
  const std::size_t new_len = queries.shape(2);
  const std::size_t head_dim = queries.shape(3);
  const std::size_t per_kv_head = queries.shape(1) / cache.Shape().num_kv_heads;
  for (std::size_t b = 0; b < rows.size(); ++b) {
    const HeldTokens held = Gather(cache, layer, rows[b]);
    const std::size_t total_len = cache.Len(rows[b]);
    for (std::size_t h = 0; h < queries.shape(1); ++h) {
      for (std::size_t i = 0; i < new_len; ++i) {
        double sum = 0;
        std::vector<double> weighted(head_dim);
        for (std::size_t s = 0; s + new_len < total_len + i + 1; ++s) {
          double score = 0;
          for (std::size_t d = 0; d < head_dim; ++d) {
            score += double{queries(b, h, i, d)} *
                     double{held.keys(h / per_kv_head, s, d)};
          }
          const double weight =
              std::exp(score / std::sqrt(static_cast<double>(head_dim)));
          sum += weight;
          for (std::size_t d = 0; d < head_dim; ++d) {
            weighted[d] += weight * double{held.values(h / per_kv_head, s, d)};
          }
        }
        for (std::size_t d = 0; d < head_dim && sum > 0; ++d) {
          attended(b, h, i, d) = static_cast<float>(weighted[d] / sum);
        }
      }
    }
  }
  return attended;
}

PagedTwin::PagedTwin(const PageShape& shape, BlockHash hash)
    : cache_(shape, hash),
      model_({.num_blocks = shape.num_blocks, .block_size = shape.block_size}) {
}

SequenceId PagedTwin::Start() {
  model_.Start();
  return cache_.Start();
}

SequenceId PagedTwin::Fork(SequenceId sequence) {
  model_.Fork(sequence.number);
  return cache_.Fork(sequence);
}

SequenceId PagedTwin::StartWith(std::span<const TokenId> prompt) {
  model_.StartWith(prompt);
  return cache_.StartWith(prompt);
}

bool PagedTwin::Append(const std::vector<Extension>& rows) {
  std::vector<std::pair<PageModel::Sequence, std::size_t>> extensions;
  std::vector<SequenceId> sequences;
  std::size_t new_len = 0;
  for (const Extension& row : rows) {
    extensions.emplace_back(row.sequence.number, row.new_len);
    sequences.push_back(row.sequence);
    new_len = std::max(new_len, row.new_len);
  }
  if (!model_.Extend(extensions)) {
    EXPECT_THROW(cache_.Extend(rows), ContractError)
        << "the rows need more blocks than are free";
    return false;
  }
  cache_.Extend(rows);
  const PageShape& shape = cache_.Shape();
  EXPECT_LE(model_.TokensAppended() * shape.num_layers * shape.num_kv_heads *
                shape.head_dim,
            kElements)
      << "two elements of this test are the same number";
  for (std::size_t layer = 0; layer < shape.num_layers; ++layer) {
    Tensor4 keys = Tensor4::from_shape(
        {rows.size(), shape.num_kv_heads, new_len, shape.head_dim});
    keys.fill(kPadding);
    Tensor4 values = keys;
    for (std::size_t b = 0; b < rows.size(); ++b) {
      const std::vector<PageModel::Row> held =
          model_.Rows(rows[b].sequence.number);
      for (std::size_t g = 0; g < shape.num_kv_heads; ++g) {
        for (std::size_t i = 1; i <= rows[b].new_len; ++i) {
          for (std::size_t d = 0; d < shape.head_dim; ++d) {
            const float element =
                Element(shape, held[held.size() - i], {0, layer, g}, d);
            keys(b, g, new_len - i, d) = element;
            values(b, g, new_len - i, d) = element + kValue;
          }
        }
      }
    }
    cache_.Write(layer, sequences, keys, values);
  }
  return true;
}

void PagedTwin::WritePadding(const std::vector<SequenceId>& rows) {
  const PageShape& shape = cache_.Shape();
  Tensor4 padding = Tensor4::from_shape(
      {rows.size(), shape.num_kv_heads, shape.block_size, shape.head_dim});
  padding.fill(kPadding);
  cache_.Write(shape.num_layers - 1, rows, padding, padding);
}

void PagedTwin::Truncate(SequenceId sequence, std::size_t past_len) {
  model_.Truncate(sequence.number, past_len);
  cache_.Truncate(sequence, past_len);
}

void PagedTwin::Release(SequenceId sequence) {
  model_.Release(sequence.number);
  cache_.Release(sequence);
}

void PagedTwin::Keep(SequenceId sequence, std::span<const TokenId> tokens) {
  model_.Keep(sequence.number, tokens);
  cache_.Keep(sequence, tokens);
}

void PagedTwin::ForgetKept() {
  model_.ForgetKept();
  cache_.ForgetKept();
}

SequenceId PagedTwin::AnySequence(Random& random) const {
  const std::vector<PageModel::Sequence> all = model_.Sequences();
  const std::size_t from = random.NextBelow(2) == 0
                               ? all.size()
                               : std::min<std::size_t>(all.size(), 4);
  return {all[all.size() - 1 - random.NextBelow(from)]};
}

::testing::AssertionResult PagedTwin::SequenceAgrees(
    SequenceId sequence) const {
  const auto differs = [&] {
    return ::testing::AssertionFailure()
           << "sequence " << sequence.number << ": ";
  };
  const PageShape& shape = cache_.Shape();
  const std::vector<PageModel::Row> rows = model_.Rows(sequence.number);
  if (cache_.Len(sequence) != rows.size()) {
    return differs() << "Len() is " << cache_.Len(sequence) << ", not "
                     << rows.size();
  }
  const std::span<const BlockId> table = cache_.Table(sequence);
  const std::size_t blocks =
      (rows.size() + shape.block_size - 1) / shape.block_size;
  if (table.size() != blocks) {
    return differs() << "its table has " << table.size() << " blocks, not "
                     << blocks << ", for " << rows.size() << " tokens in blocks"
                     << " of " << shape.block_size;
  }
  const std::vector<std::size_t> owners = model_.Owners(sequence.number);
  for (std::size_t i = 0; i < blocks; ++i) {
    if (table[i] >= shape.num_blocks) {
      return differs() << "there is no block " << table[i];
    }
    if (cache_.Pool().Owners(table[i]) != owners[i]) {
      return differs() << "block " << i << " of its table has "
                       << cache_.Pool().Owners(table[i]) << " owners, not "
                       << owners[i];
    }
  }
  for (std::size_t layer = 0; layer < shape.num_layers; ++layer) {
    const HeldTokens held = Gather(cache_, layer, sequence);
    for (std::size_t g = 0; g < shape.num_kv_heads; ++g) {
      for (std::size_t s = 0; s < rows.size(); ++s) {
        for (std::size_t d = 0; d < shape.head_dim; ++d) {
          const float right = Element(shape, rows[s], {0, layer, g}, d);
          const bool key_differs = held.keys(g, s, d) != right;
          if (key_differs || held.values(g, s, d) != right + kValue) {
            return differs()
                   << (key_differs ? "key" : "value") << " of position " << s
                   << " (layer " << layer << ", head " << g << ", feature " << d
                   << ") is "
                   << (key_differs ? held.keys(g, s, d) : held.values(g, s, d))
                   << ", not " << (key_differs ? right : right + kValue);
          }
        }
      }
    }
  }
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult PagedTwin::Agree() const {
  const PageCounts right = {.blocks_in_use = model_.BlocksInUse(),
                            .blocks_copied = model_.BlocksCopied(),
                            .tokens_appended = model_.TokensAppended()};
  const auto differs = [](const char* name, std::size_t actual,
                          std::size_t expected) {
    return ::testing::AssertionFailure()
           << name << " is " << actual << ", not " << expected;
  };
  const PageCounts counts = cache_.Counts();
  if (counts.tokens_appended != right.tokens_appended) {
    return differs("tokens_appended", counts.tokens_appended,
                   right.tokens_appended);
  }
  if (counts.blocks_copied != right.blocks_copied) {
    return differs("blocks_copied", counts.blocks_copied, right.blocks_copied);
  }
  if (counts.blocks_in_use != right.blocks_in_use) {
    return differs("blocks_in_use", counts.blocks_in_use, right.blocks_in_use);
  }
  std::size_t owned = 0;
  for (BlockId block = 0; block < cache_.Shape().num_blocks; ++block) {
    owned += cache_.Pool().Owners(block) > 0 ? 1 : 0;
  }
  if (owned != right.blocks_in_use) {
    return differs("the number of blocks with an owner", owned,
                   right.blocks_in_use);
  }
  for (const PageModel::Sequence sequence : model_.Sequences()) {
    ::testing::AssertionResult agrees = SequenceAgrees({sequence});
    if (!agrees) return agrees;
  }
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult PagedTwin::AttendAgrees(
    const std::vector<SequenceId>& rows, const QueriesPerRow& per_row,
    Random& random) const {
  const PageShape& shape = cache_.Shape();
  const std::size_t layer = random.NextBelow(shape.num_layers);
  Tensor4 queries = RandomTensor4(
      random, {rows.size(), per_row.heads_per_kv_head * shape.num_kv_heads,
               per_row.new_len, shape.head_dim});
  // Scores of size 1 to 4: no key has all of the weight, and none is ignored.
  for (float& query : queries) query *= 4 / kLargest;
  Tensor4 attended = cache_.Attend(layer, rows, queries);
  Tensor4 plain = AttendPlainly(cache_, layer, rows, queries);
  for (float& value : attended) value /= kLargest;
  for (float& value : plain) value /= kLargest;
  ::testing::AssertionResult near = Near(attended, plain, kTolerance);
  return near ? near
              : near << ", in units of the largest value, in layer " << layer
                     << ": attention of " << rows.size() << " rows, "
                     << queries.shape(1) << " heads, " << per_row.new_len
                     << " queries of each";
}

::testing::AssertionResult PagedTwin::LeavesNothing() {
  if (model_.KeepsAny()) ForgetKept();
  for (const PageModel::Sequence sequence : model_.Sequences()) {
    Release({sequence});
  }
  ::testing::AssertionResult agrees = Agree();
  if (!agrees) return agrees << " after everything was released";
  // Every block can be taken, once: the free list has lost none, and has none
  // twice.
  const SequenceId all = Start();
  const PageShape& shape = cache_.Shape();
  Append({{.sequence = all, .new_len = shape.num_blocks * shape.block_size}});
  agrees = Agree();
  Release(all);
  return agrees ? agrees : agrees << " after the whole pool was filled";
}

}  // namespace kvlab
