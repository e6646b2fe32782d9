// A weight matrix as the checkpoint stores it.
#ifndef KVLAB_KIT_TENSOR_WEIGHT_MATRIX_H_
#define KVLAB_KIT_TENSOR_WEIGHT_MATRIX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace kvlab {

enum class DType { kF32, kF16, kBF16 };

// Bytes of one element: 4, 2, 2.
std::size_t DTypeBytes(DType dtype);

// The order of the elements in memory.
enum class WeightLayout {
  kInOut,   // row-major [in, out]: GPT-2's Conv1D
  kOutIn,   // row-major [out, in]: torch.nn.Linear, and wte as the head
  kPanels,  // [in, out] split into panels of kPanelWidth output features, one
            // panel after the other, each row-major [in, its width]
};

// Output features of a panel; the last one has the rest. 64 float32 sums fill
// half of the AVX registers: a decode step reads a panel from end to end and
// touches its outputs once.
inline constexpr std::size_t kPanelWidth = 64;

// A linear map from `in` to `out` features, read-only, in the element type
// and order of the checkpoint: a decode step is bound by reading these bytes,
// so they are never widened in memory. Copies of the object share the bytes.
class WeightMatrix {
 public:
  // An empty map, 0 x 0.
  WeightMatrix() = default;

  // Views `bytes`, which `owner` keeps alive: in * out elements of `dtype`.
  // Throws ContractError if the size disagrees.
  WeightMatrix(std::shared_ptr<const void> owner,
               std::span<const std::byte> bytes, DType dtype,
               WeightLayout layout, std::size_t in, std::size_t out);

  // Owns a float32 copy of `values`. Throws ContractError unless there are
  // in * out of them.
  static WeightMatrix FromFloats(std::span<const float> values,
                                 WeightLayout layout, std::size_t in,
                                 std::size_t out);

  std::size_t In() const { return in_; }
  std::size_t Out() const { return out_; }
  DType Type() const { return dtype_; }
  WeightLayout Layout() const { return layout_; }
  std::size_t Bytes() const { return bytes_.size(); }
  const std::byte* Data() const { return bytes_.data(); }

  // One element as float32. Slow: for tests and inspection. Throws
  // ContractError outside the matrix.
  float At(std::size_t in, std::size_t out) const;

  // Writes the weights of output feature `out` as float32: for wte, as a map
  // from d_model to the vocabulary, this is the embedding of token `out`.
  // Throws ContractError if out >= Out() or row.size() != In().
  void CopyOutputRow(std::size_t out, std::span<float> row) const;

  // The same map, copied into kPanels and aligned to a cache line. Memory is
  // fastest when read from start to end, so the elements are in the order in
  // which the kernels read them.
  WeightMatrix InPanels() const;

 private:
  // The offset of an element, counted in elements.
  std::size_t Index(std::size_t in, std::size_t out) const;

  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
  DType dtype_ = DType::kF32;
  WeightLayout layout_ = WeightLayout::kInOut;
  std::size_t in_ = 0;
  std::size_t out_ = 0;
};

}  // namespace kvlab

#endif  // KVLAB_KIT_TENSOR_WEIGHT_MATRIX_H_
