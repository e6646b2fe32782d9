// The numbers inside a run, and how two of them are compared.
#ifndef KVLAB_CLI_TRACE_NUMBERS_H_
#define KVLAB_CLI_TRACE_NUMBERS_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/trace/finding.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

// What one layer's attention reads and makes of a whole sequence of T tokens.
struct LayerNumbers {
  Tensor3 x;         // [B, T, C], the input
  Tensor4 queries;   // [B, H, T, D]
  Tensor4 keys;      // [B, H, T, D]
  Tensor4 values;    // [B, H, T, D]
  Tensor4 attended;  // [B, H, T, D], before the output projection
  Tensor3 output;    // [B, T, C]
};

// A run over a whole sequence without a cache.
struct RunNumbers {
  TokenBatch tokens;                 // ids [B, T]
  std::vector<LayerNumbers> layers;  // one for each layer
  Tensor3 logits;                    // [B, T, V]

  // How many leading columns of a row are padding.
  std::size_t LeftPad(std::size_t row) const;
};

// What differs by less than this share of a tensor's largest number is equal:
// a pass over one token sums in another order than one over many, which leaves
// some 1e-6, while an error in a cache moves numbers by 1e-2 and more.
inline constexpr float kTolerance = 1e-4F;

// The largest magnitude; not-a-number is ignored.
float Largest(std::span<const float> numbers);

// Whether all numbers agree within kTolerance * scale. NaN agrees with nothing.
bool Agree(std::span<const float> seen, std::span<const float> right,
           float scale);

bool AllNan(std::span<const float> numbers);

std::vector<float> Copied(std::span<const float> numbers);

// The numbers [b, t] of a tensor [B, T, C], and [b, h, t] of [B, H, T, D].
std::span<const float> RowOf(const Tensor3& tensor, std::size_t b,
                             std::size_t t);
std::span<const float> RowOf(const Tensor4& tensor, std::size_t b,
                             std::size_t h, std::size_t t);

// The first row, by position, then batch row, then head, in which a view of
// a cache differs from the keys (or values) of the run without one. Only
// positions below `end` count, and padding does not.
std::optional<Place> FirstDifferentRow(const ConstView4& seen,
                                       const Tensor4& right,
                                       std::span<const std::size_t> left_pad,
                                       std::size_t end);

// The place in `run` whose key or value has these numbers, in words: "the key
// of layer 0, row 0, position 5, head 1"; empty if there is none. `but` is the
// place where they were found.
std::string OwnerOf(std::span<const float> numbers, const RunNumbers& run,
                    const Place& but);

// The solution x of x * weight = y for each y, row-major weight[in][out] of
// `size` squared; empty if the matrix is singular. In double.
std::vector<std::vector<double>> Solved(
    std::vector<std::vector<double>> weight,
    const std::vector<std::vector<double>>& products);

}  // namespace kvlab

#endif  // KVLAB_CLI_TRACE_NUMBERS_H_
