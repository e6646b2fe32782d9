// Fill in the TODOs: the header says what is promised, README.md says why.
#include "modules/05_beyond/quantized_cache.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kit/error.h"
#include "kit/math/coded_products.h"
#include "kit/math/linear_algebra.h"
#include "kit/math/reductions.h"
#include "kit/math/threads.h"
#include "kit/tensor/coded_matrix.h"
#include "kit/tensor/copy.h"
#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"

namespace kvlab {
namespace {

// Given. Throws unless every size is at least 1.
void CheckSizes(std::string_view what, const QuantizedShape& shape) {
  for (const std::size_t size :
       {shape.batch, shape.max_seq_len, shape.num_kv_heads, shape.head_dim,
        shape.group}) {
    if (size == 0) {
      throw ContractError(std::string(what) + ": a size is 0",
                          "rows, tokens, heads, head_dim and the tokens of a "
                          "group are at least 1",
                          "give every size of the shape");
    }
  }
}

}  // namespace

CodeRange FitRange(std::span<const float> numbers) {
  if (numbers.empty()) {
    throw ContractError("FitRange: there are no numbers",
                        "a range is that of the smallest and largest number",
                        "give at least one number");
  }
  // TODO(5.8): code 0 is the smallest number, code 255 the largest.
  throw NotImplemented("FitRange", "module 5, task 8");
}

std::uint8_t Encode(float number, const CodeRange& range) {
  // TODO(5.8): the nearest code.
  throw NotImplemented("Encode", "module 5, task 8");
}

std::uint64_t QuantizedBytes(const QuantizedShape& shape) {
  CheckSizes("QuantizedBytes", shape);
  // TODO(5.8): codes, ranges and the tail, of all rows and heads.
  throw NotImplemented("QuantizedBytes", "module 5, task 8");
}

QuantizedLayerCache::QuantizedLayerCache(const QuantizedShape& shape)
    : shape_(shape) {
  CheckSizes("QuantizedLayerCache", shape);
  const std::size_t heads = shape.batch * shape.num_kv_heads;
  const std::size_t groups = shape.max_seq_len / shape.group;
  key_codes_.resize(heads * groups * shape.group * shape.head_dim);
  key_ranges_.resize(heads * groups * shape.head_dim);
  tail_ = Tensor4::from_shape({shape.batch, shape.num_kv_heads,
                               std::min(shape.group, shape.max_seq_len),
                               shape.head_dim});
  tail_.fill(std::numeric_limits<float>::quiet_NaN());
  value_codes_.resize(heads * shape.max_seq_len * shape.head_dim);
  value_ranges_.resize(heads * shape.max_seq_len);
}

std::span<std::uint8_t> QuantizedLayerCache::KeyCodes(const HeadOfCache& head,
                                                      std::size_t group) {
  const std::size_t groups = shape_.max_seq_len / shape_.group;
  const std::size_t size = shape_.group * shape_.head_dim;
  const std::size_t at = head.row * shape_.num_kv_heads + head.kv_head;
  return std::span(key_codes_).subspan((at * groups + group) * size, size);
}

std::span<CodeRange> QuantizedLayerCache::KeyRanges(const HeadOfCache& head,
                                                    std::size_t group) {
  const std::size_t groups = shape_.max_seq_len / shape_.group;
  const std::size_t at = head.row * shape_.num_kv_heads + head.kv_head;
  return std::span(key_ranges_)
      .subspan((at * groups + group) * shape_.head_dim, shape_.head_dim);
}

std::span<const CodeRange> QuantizedLayerCache::KeyRanges(
    const HeadOfCache& head, std::size_t group) const {
  const std::size_t groups = shape_.max_seq_len / shape_.group;
  const std::size_t at = head.row * shape_.num_kv_heads + head.kv_head;
  return std::span(key_ranges_)
      .subspan((at * groups + group) * shape_.head_dim, shape_.head_dim);
}

CodedByColumn QuantizedLayerCache::CodedKeys(const HeadOfCache& head) const {
  const std::size_t groups = shape_.max_seq_len / shape_.group;
  const std::size_t at = head.row * shape_.num_kv_heads + head.kv_head;
  const std::size_t ranges = at * groups * shape_.head_dim;
  return {.codes = key_codes_.data() + ranges * shape_.group,
          .ranges = key_ranges_.data() + ranges,
          .rows = CodedLen(),
          .cols = shape_.head_dim,
          .group = shape_.group};
}

Matrix QuantizedLayerCache::Tail(const HeadOfCache& head) {
  return HeadMatrix(tail_, head.row, head.kv_head);
}

ConstMatrix QuantizedLayerCache::Tail(const HeadOfCache& head) const {
  return HeadMatrix(tail_, head.row, head.kv_head);
}

std::span<std::uint8_t> QuantizedLayerCache::ValueCodes(const HeadOfCache& head,
                                                        std::size_t position) {
  const std::size_t at = head.row * shape_.num_kv_heads + head.kv_head;
  return std::span(value_codes_)
      .subspan((at * shape_.max_seq_len + position) * shape_.head_dim,
               shape_.head_dim);
}

CodeRange& QuantizedLayerCache::ValueRange(const HeadOfCache& head,
                                           std::size_t position) {
  const std::size_t at = head.row * shape_.num_kv_heads + head.kv_head;
  return value_ranges_[at * shape_.max_seq_len + position];
}

const CodeRange& QuantizedLayerCache::ValueRange(const HeadOfCache& head,
                                                 std::size_t position) const {
  const std::size_t at = head.row * shape_.num_kv_heads + head.kv_head;
  return value_ranges_[at * shape_.max_seq_len + position];
}

CodedByRow QuantizedLayerCache::CodedValues(const HeadOfCache& head) const {
  const std::size_t at = head.row * shape_.num_kv_heads + head.kv_head;
  const std::size_t tokens = at * shape_.max_seq_len;
  return {.codes = value_codes_.data() + tokens * shape_.head_dim,
          .ranges = value_ranges_.data() + tokens,
          .rows = past_len_,
          .cols = shape_.head_dim};
}

void QuantizedLayerCache::CheckAppend(const Tensor4& keys,
                                      const Tensor4& values) const {
  const std::size_t new_len = keys.shape(2);
  const std::array<std::size_t, 4> expected = {
      shape_.batch, shape_.num_kv_heads, new_len, shape_.head_dim};
  CheckShape("QuantizedLayerCache::Append: keys", keys, expected);
  CheckShape("QuantizedLayerCache::Append: values", values, expected);
  if (new_len > shape_.max_seq_len - past_len_) {
    throw ContractError(
        "QuantizedLayerCache::Append: no room for " + std::to_string(new_len) +
            " more tokens",
        "past_len " + std::to_string(past_len_) + ", max_seq_len is " +
            std::to_string(shape_.max_seq_len),
        "build the cache for more tokens, or stop decoding earlier");
  }
}

void QuantizedLayerCache::CheckQueries(
    const Tensor4& queries, std::span<const std::size_t> left_pad) const {
  CheckShape("QuantizedLayerCache: queries", queries,
             std::array<std::size_t, 4>{shape_.batch, queries.shape(1),
                                        queries.shape(2), shape_.head_dim});
  if (queries.shape(1) % shape_.num_kv_heads != 0) {
    throw ContractError(
        "QuantizedLayerCache: key/value heads do not divide heads",
        std::to_string(queries.shape(1)) + " query heads, " +
            std::to_string(shape_.num_kv_heads) + " key/value heads",
        "give a number of query heads that is a multiple of the number of "
        "key/value heads");
  }
  if (queries.shape(2) > past_len_) {
    throw ContractError("QuantizedLayerCache: fewer keys than queries",
                        std::to_string(queries.shape(2)) +
                            " queries, but only " + std::to_string(past_len_) +
                            " tokens held",
                        "append the keys of the new tokens before attending");
  }
  if (!left_pad.empty() && left_pad.size() != shape_.batch) {
    throw ContractError("QuantizedLayerCache: left_pad has the wrong length",
                        std::to_string(left_pad.size()) + " entries for " +
                            std::to_string(shape_.batch) + " batch rows",
                        "give one number per row, or none at all");
  }
}

void QuantizedLayerCache::CheckDecode(const HeadOfCache& head,
                                      std::size_t begin, Matrix out) const {
  if (head.row >= shape_.batch || head.kv_head >= shape_.num_kv_heads ||
      begin > past_len_ || out.rows > past_len_ - begin ||
      out.cols != shape_.head_dim) {
    throw ContractError(
        "QuantizedLayerCache: there is nothing to decode",
        std::to_string(out.rows) + " tokens of " + std::to_string(out.cols) +
            " features, from position " + std::to_string(begin) +
            " on, of row " + std::to_string(head.row) + ", head " +
            std::to_string(head.kv_head),
        "ask for rows, heads and positions that the cache holds");
  }
}

void QuantizedLayerCache::DecodeKeys(const HeadOfCache& head, std::size_t begin,
                                     Matrix out) const {
  CheckDecode(head, begin, out);
  const std::size_t groups = shape_.max_seq_len / shape_.group;
  const std::size_t size = shape_.group * shape_.head_dim;
  const std::size_t at = head.row * shape_.num_kv_heads + head.kv_head;
  for (std::size_t r = 0; r < out.rows; ++r) {
    const std::size_t group = (begin + r) / shape_.group;
    const std::size_t row = (begin + r) % shape_.group;
    if (begin + r >= CodedLen()) {
      std::ranges::copy(Tail(head).Row(row), out.Row(r).begin());
      continue;
    }
    const std::span<const CodeRange> ranges = KeyRanges(head, group);
    const std::span<const std::uint8_t> codes =
        std::span(key_codes_)
            .subspan((at * groups + group) * size + row * shape_.head_dim,
                     shape_.head_dim);
    for (std::size_t d = 0; d < shape_.head_dim; ++d) {
      out.Row(r)[d] = Decode(codes[d], ranges[d]);
    }
  }
}

void QuantizedLayerCache::DecodeValues(const HeadOfCache& head,
                                       std::size_t begin, Matrix out) const {
  CheckDecode(head, begin, out);
  const std::size_t at = head.row * shape_.num_kv_heads + head.kv_head;
  for (std::size_t r = 0; r < out.rows; ++r) {
    const CodeRange range = ValueRange(head, begin + r);
    const std::span<const std::uint8_t> codes =
        std::span(value_codes_)
            .subspan((at * shape_.max_seq_len + begin + r) * shape_.head_dim,
                     shape_.head_dim);
    for (std::size_t d = 0; d < shape_.head_dim; ++d) {
      out.Row(r)[d] = Decode(codes[d], range);
    }
  }
}

void QuantizedLayerCache::CodeGroup(const HeadOfCache& head,
                                    std::size_t group) {
  const Matrix tail = Tail(head);                               // [P, D]
  const std::span<std::uint8_t> codes = KeyCodes(head, group);  // [P, D]
  const std::span<CodeRange> ranges = KeyRanges(head, group);   // [D]
  // TODO(5.8): for each channel a range over the group, and codes.
  throw NotImplemented("QuantizedLayerCache::CodeGroup", "module 5, task 8");
}

void QuantizedLayerCache::Append(const Tensor4& keys, const Tensor4& values) {
  CheckAppend(keys, values);
  // TODO(5.8): keys into the tail until it is full, values into codes at once.
  throw NotImplemented("QuantizedLayerCache::Append", "module 5, task 8");
}

Tensor4 QuantizedLayerCache::Attend(
    const Tensor4& queries, std::span<const std::size_t> left_pad) const {
  CheckQueries(queries, left_pad);
  Tensor4 attended = Tensor4::from_shape(queries.shape());  // [B, H, T, D]
  // TODO(5.8): scores of the codes and of the tail, then the values.
  throw NotImplemented("QuantizedLayerCache::Attend", "module 5, task 8");
}

Tensor3 QuantizedLayerCache::ErrorBounds(
    const Tensor4& queries, std::span<const std::size_t> left_pad) const {
  CheckQueries(queries, left_pad);
  Tensor3 bounds = Tensor3::from_shape(
      {queries.shape(0), queries.shape(1), queries.shape(2)});  // [B, H, T]
  // TODO(5.8): delta, w and e of what each query sees.
  throw NotImplemented("QuantizedLayerCache::ErrorBounds", "module 5, task 8");
}

}  // namespace kvlab
