#include "kit/tensor/weight_matrix.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/tensor/half.h"
#include "kit/tensor/weight_memory.h"

namespace kvlab {
namespace {

float LoadElement(const std::byte* data, DType dtype) {
  if (dtype == DType::kF32) {
    float value = 0;
    std::memcpy(&value, data, sizeof(value));
    return value;
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, data, sizeof(bits));
  return dtype == DType::kF16 ? HalfToFloat(bits) : BFloat16ToFloat(bits);
}

}  // namespace

std::size_t DTypeBytes(DType dtype) { return dtype == DType::kF32 ? 4 : 2; }

WeightMatrix::WeightMatrix(std::shared_ptr<const void> owner,
                           std::span<const std::byte> bytes, DType dtype,
                           WeightLayout layout, std::size_t in, std::size_t out)
    : owner_(std::move(owner)),
      bytes_(bytes),
      dtype_(dtype),
      layout_(layout),
      in_(in),
      out_(out) {
  if (bytes.size() != in * out * DTypeBytes(dtype)) {
    throw ContractError("WeightMatrix: the bytes do not match the shape",
                        std::to_string(bytes.size()) + " bytes, but " +
                            std::to_string(in) + " x " + std::to_string(out) +
                            " elements of " +
                            std::to_string(DTypeBytes(dtype)) + " bytes are " +
                            std::to_string(in * out * DTypeBytes(dtype)),
                        "pass exactly the bytes of the matrix");
  }
}

WeightMatrix WeightMatrix::FromFloats(std::span<const float> values,
                                      WeightLayout layout, std::size_t in,
                                      std::size_t out) {
  auto owned =
      std::make_shared<std::vector<float>>(values.begin(), values.end());
  const std::span<const std::byte> bytes =
      std::as_bytes(std::span<const float>(*owned));
  return WeightMatrix(std::move(owned), bytes, DType::kF32, layout, in, out);
}

float WeightMatrix::At(std::size_t in, std::size_t out) const {
  if (in >= in_ || out >= out_) {
    throw ContractError("WeightMatrix::At: no such element",
                        "[" + std::to_string(in) + ", " + std::to_string(out) +
                            "] of a matrix " + std::to_string(in_) + " x " +
                            std::to_string(out_),
                        "stay below In() and Out()");
  }
  return LoadElement(bytes_.data() + Index(in, out) * DTypeBytes(dtype_),
                     dtype_);
}

void WeightMatrix::CopyOutputRow(std::size_t out, std::span<float> row) const {
  if (out >= out_ || row.size() != in_) {
    throw ContractError("WeightMatrix::CopyOutputRow: no such row",
                        "row " + std::to_string(out) + " into " +
                            std::to_string(row.size()) +
                            " floats, of a map from " + std::to_string(in_) +
                            " to " + std::to_string(out_) + " features",
                        "stay below Out() and give In() floats");
  }
  const std::size_t first = Index(0, out);
  const std::size_t step = in_ > 1 ? Index(1, out) - first : 0;
  for (std::size_t in = 0; in < in_; ++in) {
    row[in] = LoadElement(
        bytes_.data() + (first + in * step) * DTypeBytes(dtype_), dtype_);
  }
}

WeightMatrix WeightMatrix::InPanels() const {
  const std::shared_ptr<std::byte> copy = AllocateWeights(bytes_.size());
  WeightMatrix panels(copy, {copy.get(), bytes_.size()}, dtype_,
                      WeightLayout::kPanels, in_, out_);
  const std::size_t element = DTypeBytes(dtype_);
  // Elements that are adjacent in both layouts are copied in one piece.
  const std::size_t run = layout_ == WeightLayout::kOutIn ? 1 : kPanelWidth;
  for (std::size_t in = 0; in < in_; ++in) {
    for (std::size_t out = 0; out < out_; out += run) {
      std::memcpy(copy.get() + panels.Index(in, out) * element,
                  bytes_.data() + Index(in, out) * element,
                  std::min(run, out_ - out) * element);
    }
  }
  return panels;
}

std::size_t WeightMatrix::Index(std::size_t in, std::size_t out) const {
  switch (layout_) {
    case WeightLayout::kInOut:
      return in * out_ + out;
    case WeightLayout::kOutIn:
      return out * in_ + in;
    case WeightLayout::kPanels:
      break;
  }
  const std::size_t begin = out / kPanelWidth * kPanelWidth;
  const std::size_t width = std::min(kPanelWidth, out_ - begin);
  return begin * in_ + in * width + (out - begin);
}

}  // namespace kvlab
