// Module 5: keys and values in eight bits, and a bound on what that costs.
//
// A number is kept as a code of one byte, x' = zero + code * scale. Numbers of
// one channel of the keys are alike over many tokens, and differ much between
// channels: so keys share zero and scale per channel, over a group of tokens.
// Values have no such channels and share them per token.
// Source: Liu et al. 2024, arXiv:2402.02750 (KIVI), section 3.
//
// Shapes: B batch, H query heads, G key/value heads (G divides H), T new
// tokens, S tokens held including the new ones, D head_dim, P tokens of a
// group.
//
// No function here keeps state between calls, but for the members of the cache.
#ifndef KVLAB_MODULES_05_BEYOND_QUANTIZED_CACHE_H_
#define KVLAB_MODULES_05_BEYOND_QUANTIZED_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kit/tensor/coded_matrix.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

// Codes are 0 .. 255; CodeRange is in kit/tensor/coded_matrix.h.
inline constexpr std::size_t kLargestCode = 255;

// Given. The number that a code stands for.
inline float Decode(std::uint8_t code, const CodeRange& range) {
  return range.zero + static_cast<float>(code) * range.scale;
}

// Task 5.8. The range whose code 0 is the smallest of the numbers and whose
// code 255 is the largest. If all are equal, or there is only one, scale is 0
// and zero is that number.
//   numbers  at least one; each is 0 or of size 2^-100 to 2^100
// Throws ContractError if there are none. Cost: O(numbers).
CodeRange FitRange(std::span<const float> numbers);

// Task 5.8. The code of the nearest number of the range; of two as near,
// either. A number below the range has code 0, one above it 255; if scale is 0,
// 0. So what Decode makes of it differs from a number within the range by at
// most scale / 2, and by float32 rounding, 2^-23 of the largest number.
std::uint8_t Encode(float number, const CodeRange& range);

// The sizes of a cache of one layer.
struct QuantizedShape {
  std::size_t batch = 0;
  std::size_t max_seq_len = 0;
  std::size_t num_kv_heads = 0;  // G
  std::size_t head_dim = 0;      // D
  std::size_t group = 0;         // P
};

// Task 5.8. Bytes of the whole cache. For each row and key/value head, with
// F = floor(max_seq_len / P) groups that can become full:
//   keys    F * P * D codes, F * D ranges, and P * D floats of the group that
//           is not full (max_seq_len * D, if P is larger)
//   values  max_seq_len * D codes and max_seq_len ranges
// A code is 1 byte, a range (zero and scale) 8, a float 4.
// Throws ContractError if a size is 0. Cost: O(1).
std::uint64_t QuantizedBytes(const QuantizedShape& shape);

// One batch row's key/value head.
struct HeadOfCache {
  std::size_t row = 0;
  std::size_t kv_head = 0;
};

// Keys and values of one attention layer.
class QuantizedLayerCache {
 public:
  // Reserves room for shape.max_seq_len tokens: codes 0, ranges 0 and floats
  // NaN. Throws ContractError if a size is 0.
  explicit QuantizedLayerCache(const QuantizedShape& shape);

  // Task 5.8. Stores the next T tokens after the PastLen() already held.
  //   keys, values: [B, G, T, D]; T may be 0
  // Token s of a row is in group s / P. Its values get codes at once, of a
  // range of its own in each head. Its keys stay float32 until their group has
  // all P tokens; then each channel of each row and head gets a range over
  // these P tokens, and codes. Padding counts as any token. What is stored does
  // not depend on the calls in which the tokens came. Throws ContractError,
  // changing nothing, if a shape disagrees or the tokens do not fit. Cost:
  // O(T), and O(P) for each group that becomes full; tokens of other groups are
  // neither read nor written.
  void Append(const Tensor4& keys, const Tensor4& values);

  // Task 5.8. Attention of the newest T tokens over all that is held:
  // softmax(q k'^T / sqrt(D)) v' with the numbers k' and v' that DecodeKeys and
  // DecodeValues give. Query i is at position S - T + i; it sees the positions
  // left_pad .. S - T + i of its row, and zeros result if there are none.
  //   queries  [B, H, T, D], T <= S
  //   left_pad [B] or empty, as in module 1
  //   returns  [B, H, T, D]
  // Work: D multiply-accumulates for each product and pair of query and key, as
  // Work::kAttention; pairs that are hidden may be left out.
  // Scratch: T scores for each token, and P or 64 decoded tokens at a time:
  // what is held is never decoded as a whole.
  // Throws ContractError if a shape disagrees, G does not divide H, T > S, or
  // the length of left_pad is not B.
  Tensor4 Attend(const Tensor4& queries,
                 std::span<const std::size_t> left_pad) const;

  // Task 5.8. For each query a number that the error of its output never
  // exceeds: |o - o'| <= bound, where o is attention over the keys and values
  // as they were given to Append, o' is Attend's, and |.| is the root of the
  // sum of squares over the D features. Returns [B, H, T]; arguments as
  // Attend's. Over the tokens j that the query q sees, with the scales s of
  // what is held:
  //   delta = max_j sum_i |q_i| s_ji / 2     0 for keys that are still float32
  //   w     = max_j |v'_j|
  //   e     = max_j s_j sqrt(D) / 2          of the values
  //   bound = 2 tanh(delta / (2 sqrt(D))) w + e
  // and 0 for a query that sees nothing. Two keys attain it, so nothing smaller
  // of delta, w and e will do. Larger bounds are right, too, up to
  //   min(2, exp(2 delta / sqrt(D)) - 1) w + e
  // with 2^-10 of it and 2^-16 w for rounding; nothing above is accepted. It is
  // finite. The rounding of float32 attention is not part of it: |o - o'| may
  // exceed it by 2^-12 of it and (64 + S + (D + 8) a) 2^-24 max_j |v_j|, where
  // a is the largest sum_i |q_i k_ji| / sqrt(D).
  // Throws ContractError as Attend does.
  Tensor3 ErrorBounds(const Tensor4& queries,
                      std::span<const std::size_t> left_pad) const;

  // Given. The keys k' and the values v' of the positions begin ..
  // begin + out.rows - 1, as they are held now.
  //   out  [n, D]: overwritten
  // Throws ContractError if there is no such head or position, or D disagrees.
  void DecodeKeys(const HeadOfCache& head, std::size_t begin, Matrix out) const;
  void DecodeValues(const HeadOfCache& head, std::size_t begin,
                    Matrix out) const;

  // Tokens held; those whose keys have codes; room.
  std::size_t PastLen() const { return past_len_; }
  std::size_t CodedLen() const {
    return past_len_ / shape_.group * shape_.group;
  }
  const QuantizedShape& Shape() const { return shape_; }

 private:
  // Given. Throw what Append, Attend and ErrorBounds promise to throw.
  void CheckAppend(const Tensor4& keys, const Tensor4& values) const;
  void CheckQueries(const Tensor4& queries,
                    std::span<const std::size_t> left_pad) const;
  void CheckDecode(const HeadOfCache& head, std::size_t begin,
                   Matrix out) const;

  // Given. Where things are; indices are not checked.
  // The P * D codes of a group's keys, token after token; its D ranges.
  std::span<std::uint8_t> KeyCodes(const HeadOfCache& head, std::size_t group);
  std::span<CodeRange> KeyRanges(const HeadOfCache& head, std::size_t group);
  std::span<const CodeRange> KeyRanges(const HeadOfCache& head,
                                       std::size_t group) const;
  // The keys that have codes, [CodedLen(), D], and the values of all tokens
  // held, [S, D]: what kit/math/coded_products.h multiplies.
  CodedByColumn CodedKeys(const HeadOfCache& head) const;
  CodedByRow CodedValues(const HeadOfCache& head) const;
  // The keys of the group that is not full: token s is in row s % P.
  Matrix Tail(const HeadOfCache& head);
  ConstMatrix Tail(const HeadOfCache& head) const;
  // The D codes of a token's values, and their range.
  std::span<std::uint8_t> ValueCodes(const HeadOfCache& head,
                                     std::size_t position);
  CodeRange& ValueRange(const HeadOfCache& head, std::size_t position);
  const CodeRange& ValueRange(const HeadOfCache& head,
                              std::size_t position) const;

  // Task 5.8. Gives the P tokens of the tail of a head ranges and codes, as
  // those of `group`.
  void CodeGroup(const HeadOfCache& head, std::size_t group);

  QuantizedShape shape_;
  std::vector<std::uint8_t> key_codes_;    // [B, G, F, P, D]
  std::vector<CodeRange> key_ranges_;      // [B, G, F, D]
  Tensor4 tail_;                           // [B, G, min(P, max_seq_len), D]
  std::vector<std::uint8_t> value_codes_;  // [B, G, max_seq_len, D]
  std::vector<CodeRange> value_ranges_;    // [B, G, max_seq_len]
  std::size_t past_len_ = 0;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_QUANTIZED_CACHE_H_
