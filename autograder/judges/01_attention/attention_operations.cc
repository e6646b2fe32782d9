// Module 1 as operations.
#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <latch>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "autograder/exam/arguments.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"

namespace kvlab::grading {
namespace {

const AttentionWeights& AttentionOf(ObjectStore& objects, Arguments& from) {
  const Gpt2Weights& weights = objects.Get<Gpt2Weights>(from.Next<Handle>());
  return weights.blocks.at(from.NextSize()).attn;
}

// attention.softmax(storage [rows, stride], cols) -> the whole storage
Values Softmax(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  Tensor2 storage = arguments.NextTensor<2>();
  const std::size_t cols = arguments.NextSize();
  SoftmaxRows({.data = storage.data(),
               .rows = storage.shape(0),
               .cols = cols,
               .row_stride = storage.shape(1)});
  return {ToArray(storage)};
}

// attention.split_heads(x [B, T, C], heads) -> [B, heads, T, D]
Values Split(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor3 x = arguments.NextTensor<3>();
  return {ToArray(SplitHeads(x, arguments.NextSize()))};
}

// attention.merge_heads(x [B, heads, T, D]) -> [B, T, C]
Values Merge(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  return {ToArray(MergeHeads(arguments.NextTensor<4>()))};
}

// attention.causal(queries, keys, values, left_pad) -> [B, H, T, D]
Values Causal(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor4 queries = arguments.NextTensor<4>();
  const Tensor4 keys = arguments.NextTensor<4>();
  const Tensor4 vals = arguments.NextTensor<4>();
  return {ToArray(
      CausalAttention(queries, View(keys), View(vals), arguments.NextSizes()))};
}

// Storage of `capacity` positions whose first rows are those of `tensor` and
// whose other rows are NaN, as a cache's are.
Tensor4 InStorage(const Tensor4& tensor, std::size_t capacity) {
  Tensor4 storage = Tensor4::from_shape(
      {tensor.shape(0), tensor.shape(1), capacity, tensor.shape(3)});
  storage.fill(std::numeric_limits<float>::quiet_NaN());
  for (std::size_t b = 0; b < tensor.shape(0); ++b) {
    for (std::size_t h = 0; h < tensor.shape(1); ++h) {
      for (std::size_t s = 0; s < tensor.shape(2); ++s) {
        for (std::size_t d = 0; d < tensor.shape(3); ++d) {
          storage(b, h, s, d) = tensor(b, h, s, d);
        }
      }
    }
  }
  return storage;
}

// The first `seq_len` positions of every head of `storage`.
ConstView4 FirstPositions(const Tensor4& storage, std::size_t seq_len) {
  const std::size_t head_stride = storage.shape(2) * storage.shape(3);
  return MakeView(
      storage.data(),
      {storage.shape(0), storage.shape(1), seq_len, storage.shape(3)},
      {storage.shape(1) * head_stride, head_stride, storage.shape(3)});
}

// attention.causal_in_storage(queries, keys, values, left_pad, capacity):
// as attention.causal, with keys and values as views into larger storage.
Values CausalInStorage(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor4 queries = arguments.NextTensor<4>();
  const Tensor4 keys = arguments.NextTensor<4>();
  const Tensor4 vals = arguments.NextTensor<4>();
  const std::vector<std::size_t> left_pad = arguments.NextSizes();
  const std::size_t capacity = arguments.NextSize();
  const Tensor4 key_storage = InStorage(keys, capacity);
  const Tensor4 value_storage = InStorage(vals, capacity);
  return {ToArray(
      CausalAttention(queries, FirstPositions(key_storage, keys.shape(2)),
                      FirstPositions(value_storage, vals.shape(2)), left_pad))};
}

// Batch row b alone.
Tensor4 RowOf(const Tensor4& tensor, std::size_t b) {
  Tensor4 row = Tensor4::from_shape(
      {1, tensor.shape(1), tensor.shape(2), tensor.shape(3)});
  std::copy_n(tensor.data() + b * row.size(), row.size(), row.data());
  return row;
}

// One thread's part of attention.causal_at_once.
struct CallsOfARow {
  Tensor4 first;  // what the first call answered
  Tensor4 other;  // the first answer that was another one, or the last
  std::string error;
};

// Begins when all rows do: on a busy machine one thread could be done before
// the next begins.
CallsOfARow CallAgainAndAgain(const Qkv& row, std::size_t calls,
                              std::latch& all_rows) {
  CallsOfARow answers;
  all_rows.arrive_and_wait();
  try {
    for (std::size_t call = 0; call < calls; ++call) {
      answers.other =
          CausalAttention(row.queries, View(row.keys), View(row.values), {});
      if (call == 0) answers.first = answers.other;
      if (!std::equal(answers.first.begin(), answers.first.end(),
                      answers.other.begin(), answers.other.end())) {
        break;
      }
    }
  } catch (const std::exception& error) {
    answers.error = error.what();
  }
  return answers;
}

// attention.causal_at_once(queries, keys, values, calls): a thread for each
// batch row calls CausalAttention `calls` times with that row alone, at the
// same time as the others. -> [B, H, T, D] of the first calls, and of later
// ones that gave something else
Values CausalAtOnce(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor4 queries = arguments.NextTensor<4>();
  const Tensor4 keys = arguments.NextTensor<4>();
  const Tensor4 vals = arguments.NextTensor<4>();
  const std::size_t calls = arguments.NextSize();
  const std::size_t batch = queries.shape(0);
  std::vector<CallsOfARow> answers(batch);
  std::latch all_rows(static_cast<std::ptrdiff_t>(batch));
  {
    std::vector<std::jthread> threads;
    for (std::size_t b = 0; b < batch; ++b) {
      threads.emplace_back([&, b] {
        const Qkv row = {.queries = RowOf(queries, b),
                         .keys = RowOf(keys, b),
                         .values = RowOf(vals, b)};
        answers[b] = CallAgainAndAgain(row, calls, all_rows);
      });
    }
  }
  Tensor4 first = Tensor4::from_shape(queries.shape());
  Tensor4 other = Tensor4::from_shape(queries.shape());
  for (std::size_t b = 0; b < batch; ++b) {
    const CallsOfARow& row = answers[b];
    const std::size_t size = first.size() / batch;
    if (!row.error.empty() || row.first.size() != size ||
        row.other.size() != size) {
      throw std::runtime_error("one of several calls at the same time failed " +
                               row.error);
    }
    std::ranges::copy(row.first, first.data() + b * size);
    std::ranges::copy(row.other, other.data() + b * size);
  }
  return {ToArray(first), ToArray(other)};
}

// attention.project_qkv(weights, layer, x, heads) -> queries, keys, values
Values Project(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const AttentionWeights& weights = AttentionOf(objects, arguments);
  const Tensor3 x = arguments.NextTensor<3>();
  const Qkv qkv = ProjectQkv(x, weights, arguments.NextSize());
  return {ToArray(qkv.queries), ToArray(qkv.keys), ToArray(qkv.values)};
}

// attention.project_output(weights, layer, attended) -> [B, T, C]
Values Output(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const AttentionWeights& weights = AttentionOf(objects, arguments);
  return {ToArray(ProjectOutput(arguments.NextTensor<4>(), weights))};
}

// attention.multi_head(weights, layer, x, heads, left_pad) -> [B, T, C]
Values MultiHead(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const AttentionWeights& weights = AttentionOf(objects, arguments);
  const Tensor3 x = arguments.NextTensor<3>();
  const std::size_t heads = arguments.NextSize();
  return {
      ToArray(MultiHeadAttention(x, weights, heads, arguments.NextSizes()))};
}

const RegisterOperation kSoftmax("attention.softmax", Softmax);
const RegisterOperation kSplit("attention.split_heads", Split);
const RegisterOperation kMerge("attention.merge_heads", Merge);
const RegisterOperation kCausal("attention.causal", Causal);
const RegisterOperation kInStorage("attention.causal_in_storage",
                                   CausalInStorage);
const RegisterOperation kAtOnce("attention.causal_at_once", CausalAtOnce);
const RegisterOperation kProject("attention.project_qkv", Project);
const RegisterOperation kOutput("attention.project_output", Output);
const RegisterOperation kMultiHead("attention.multi_head", MultiHead);

}  // namespace
}  // namespace kvlab::grading
