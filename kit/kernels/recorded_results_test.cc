// Results of the kernels as an x86-64 with AVX2 computed them. Every
// instruction set must agree: those with eight lanes add in the same order,
// those with sixteen round differently.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/kernels/instruction_set.h"
#include "kit/kernels/instruction_set_testing.h"
#include "kit/kernels/kernels.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"

namespace kvlab {
namespace {

constexpr std::size_t kDepth = 100;
constexpr std::size_t kCols = 77;  // not a whole number of vectors

// A partial sum stays below 8, so each of its 100 roundings is at most 2^-22.
constexpr float kTolerance = 100 * 0x1p-22F;

// Numbers in [-1, 1).
class Numbers {
 public:
  // Of 8 bits, which every element type holds exactly.
  float NextShort() {
    Step();
    return static_cast<float>(static_cast<int>(state_ >> 24U) - 128) / 128;
  }
  // Of 24 bits, so that products and sums are rounded.
  float NextLong() {
    Step();
    return static_cast<float>(static_cast<int>(state_ >> 8U) - (1 << 23)) *
           0x1p-23F;
  }

 private:
  void Step() { state_ = state_ * 1664525U + 1013904223U; }

  std::uint32_t state_ = 7;
};

// The upper half of a float32.
std::uint16_t ToBFloat16(float value) {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16U);
}

// For numbers with 8 bits and an exponent above -14, or 0.
std::uint16_t ToFloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  const std::uint32_t half =
      magnitude == 0 ? 0 : (magnitude >> 13U) - (112U << 10U);
  return static_cast<std::uint16_t>(((bits >> 16U) & 0x8000U) | half);
}

std::vector<std::byte> Stored(const std::vector<float>& values, DType type) {
  std::vector<std::byte> bytes(values.size() * DTypeBytes(type));
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::byte* const to = bytes.data() + i * DTypeBytes(type);
    if (type == DType::kF32) {
      std::memcpy(to, &values[i], sizeof(float));
    } else {
      const std::uint16_t bits =
          type == DType::kF16 ? ToFloat16(values[i]) : ToBFloat16(values[i]);
      std::memcpy(to, &bits, sizeof(bits));
    }
  }
  return bytes;
}

enum class Product { kPlain, kPanels, kTransposed };

// The first, a middle and the last element of a product of `rows` rows.
std::array<float, 3> Compute(Product product, DType type, std::size_t rows) {
  Numbers numbers;
  std::vector<float> a(rows * kDepth);
  for (float& value : a) value = numbers.NextLong();
  std::vector<float> b(kDepth * kCols);
  for (float& value : b) value = numbers.NextShort();
  const std::vector<std::byte> stored = Stored(b, type);
  std::vector<float> out(rows * kCols, 0.5F);
  const ConstMatrix left = {a.data(), rows, kDepth, kDepth};
  const Matrix result = {out.data(), rows, kCols, kCols};
  const kernels::Kernels& kernels = KernelsInUse();
  switch (product) {
    case Product::kPlain:
      kernels.add_product(left, {type, stored.data(), kDepth, kCols, kCols},
                          result);
      break;
    case Product::kPanels:
      kernels.add_product(
          left,
          {type, stored.data(), kDepth, kCols, kernels::AnyMatrix::kInPanels},
          result);
      break;
    case Product::kTransposed:
      kernels.add_transposed(left, {type, stored.data(), kCols, kDepth, kDepth},
                             result);
      break;
  }
  return {out.front(), out[out.size() / 2], out.back()};
}

struct Recorded {
  const char* name;
  Product product;
  std::size_t rows;
  std::array<float, 3> values;
};

// The same for each element type, since all hold the same numbers.
constexpr std::array<Recorded, 9> kRecorded = {{
    {"plain", Product::kPlain, 1, {4.99375296F, -0.611011803F, 1.40053380F}},
    {"plain", Product::kPlain, 5, {-2.78876829F, -3.24484110F, -1.12861669F}},
    {"plain", Product::kPlain, 40, {0.955001712F, -1.73533511F, 0.706082404F}},
    {"panels",
     Product::kPanels,
     1,
     {-2.03974104F, 1.94122171F, -0.0480221622F}},
    {"panels",
     Product::kPanels,
     5,
     {-0.318309724F, -2.25954080F, 0.0686641932F}},
    {"panels",
     Product::kPanels,
     40,
     {5.35163116F, -3.05039787F, -0.243397355F}},
    {"transposed",
     Product::kTransposed,
     1,
     {0.823746383F, 0.373567939F, 3.33344245F}},
    {"transposed",
     Product::kTransposed,
     5,
     {2.86858225F, -1.75513411F, 5.93932438F}},
    {"transposed",
     Product::kTransposed,
     40,
     {5.16734934F, 0.522399068F, 2.01163054F}},
}};

TEST(RecordedResultsTest, ProductsAreThoseOfAvx2) {
  WithEveryInstructionSet([] {
    for (const DType type : {DType::kF32, DType::kF16, DType::kBF16}) {
      for (const Recorded& recorded : kRecorded) {
        SCOPED_TRACE(std::string(recorded.name) + ", bytes of an element: " +
                     std::to_string(DTypeBytes(type)));
        const std::array<float, 3> found =
            Compute(recorded.product, type, recorded.rows);
        for (std::size_t i = 0; i < found.size(); ++i) {
          EXPECT_NEAR(found[i], recorded.values[i], kTolerance);
        }
      }
    }
  });
}

}  // namespace
}  // namespace kvlab
