#include "kit/tensor/weight_matrix.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/tensor/half.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

// The definition of IEEE 754 binary16, section 3.4.
double HalfByDefinition(std::uint16_t bits) {
  const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
  const int exponent = (bits >> 10U) & 0x1F;
  const double mantissa = (bits & 0x3FFU) / 1024.0;
  if (exponent == 31) {
    return mantissa == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  if (exponent == 0) return sign * std::ldexp(mantissa, -14);
  return sign * std::ldexp(1.0 + mantissa, exponent - 15);
}

TEST(HalfTest, EveryHalfIsWidenedExactly) {
  for (std::uint32_t bits = 0; bits <= 0xFFFFU; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const double expected = HalfByDefinition(half);
    const float actual = HalfToFloat(half);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(actual)) << bits;
    } else {
      ASSERT_EQ(actual, expected) << bits;
      ASSERT_EQ(std::signbit(actual), std::signbit(expected)) << bits;
    }
  }
}

TEST(HalfTest, BFloat16IsTheUpperHalfOfAFloat) {
  for (const float value : {0.0F, 1.0F, -2.5F, 0x1p-130F, 3e38F}) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const float expected = std::bit_cast<float>(bits & 0xFFFF0000U);
    EXPECT_EQ(BFloat16ToFloat(static_cast<std::uint16_t>(bits >> 16U)),
              expected);
  }
}

// [in, out] = [3, 130]: two whole panels and one of two columns.
constexpr std::size_t kIn = 3;
constexpr std::size_t kOut = 130;

float ElementOf(std::size_t in, std::size_t out) {
  return static_cast<float>(in * 1000 + out);
}

std::vector<float> Numbered(WeightLayout layout) {
  std::vector<float> values(kIn * kOut);
  for (std::size_t in = 0; in < kIn; ++in) {
    for (std::size_t out = 0; out < kOut; ++out) {
      values[layout == WeightLayout::kInOut ? in * kOut + out
                                            : out * kIn + in] =
          ElementOf(in, out);
    }
  }
  return values;
}

void ExpectNumbered(const WeightMatrix& weight) {
  ASSERT_EQ(weight.In(), kIn);
  ASSERT_EQ(weight.Out(), kOut);
  std::vector<float> row(kIn);
  for (std::size_t out = 0; out < kOut; ++out) {
    weight.CopyOutputRow(out, row);
    for (std::size_t in = 0; in < kIn; ++in) {
      ASSERT_EQ(weight.At(in, out), ElementOf(in, out)) << in << ", " << out;
      ASSERT_EQ(row[in], ElementOf(in, out)) << in << ", " << out;
    }
  }
}

class LayoutTest : public ::testing::TestWithParam<WeightLayout> {};

TEST_P(LayoutTest, ElementsStandWhereTheLayoutSays) {
  ExpectNumbered(
      WeightMatrix::FromFloats(Numbered(GetParam()), GetParam(), kIn, kOut));
}

TEST_P(LayoutTest, PanelsHoldTheSameElementsFromTheStartOfACacheLine) {
  const WeightMatrix weight =
      WeightMatrix::FromFloats(Numbered(GetParam()), GetParam(), kIn, kOut);
  const WeightMatrix panels = weight.InPanels();
  EXPECT_EQ(panels.Layout(), WeightLayout::kPanels);
  EXPECT_EQ(panels.Type(), weight.Type());
  EXPECT_EQ(panels.Bytes(), weight.Bytes());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(panels.Data()) % 64, 0U);
  ExpectNumbered(panels);
}

INSTANTIATE_TEST_SUITE_P(FromFloats, LayoutTest,
                         ::testing::Values(WeightLayout::kInOut,
                                           WeightLayout::kOutIn),
                         [](const auto& test) {
                           return test.param == WeightLayout::kInOut ? "InOut"
                                                                     : "OutIn";
                         });

TEST(WeightMatrixTest, APanelIsContiguous) {
  const WeightMatrix panels =
      WeightMatrix::FromFloats(Numbered(WeightLayout::kInOut),
                               WeightLayout::kInOut, kIn, kOut)
          .InPanels();
  const auto* elements = reinterpret_cast<const float*>(panels.Data());
  EXPECT_EQ(elements[0], ElementOf(0, 0));
  EXPECT_EQ(elements[63], ElementOf(0, 63));
  EXPECT_EQ(elements[64], ElementOf(1, 0));
  EXPECT_EQ(elements[kIn * 64], ElementOf(0, 64));    // the second panel
  EXPECT_EQ(elements[kIn * 128], ElementOf(0, 128));  // the third, 2 wide
  EXPECT_EQ(elements[kIn * 128 + 2], ElementOf(1, 128));
}

TEST(WeightMatrixTest, SixteenBitElementsAreWidenedAsTheyAreRead) {
  const auto bytes = std::make_shared<std::array<std::uint16_t, 2>>();
  (*bytes)[0] = 0x3E00;  // 1.5 as float16
  (*bytes)[1] = 0xC000;  // -2
  const WeightMatrix half(bytes, std::as_bytes(std::span(*bytes)), DType::kF16,
                          WeightLayout::kInOut, 1, 2);
  EXPECT_EQ(half.At(0, 0), 1.5F);
  EXPECT_EQ(half.At(0, 1), -2.0F);
  EXPECT_EQ(half.InPanels().At(0, 1), -2.0F);
  EXPECT_EQ(half.Bytes(), 4U);
  const WeightMatrix brain(bytes, std::as_bytes(std::span(*bytes)),
                           DType::kBF16, WeightLayout::kInOut, 1, 2);
  EXPECT_EQ(brain.At(0, 0), 0.125F);  // 0x3E000000
  EXPECT_EQ(brain.At(0, 1), -2.0F);
}

TEST(WeightMatrixTest, CopiesShareTheBytesAndKeepThemAlive) {
  auto weight = std::make_unique<WeightMatrix>(WeightMatrix::FromFloats(
      std::vector<float>{1, 2}, WeightLayout::kInOut, 1, 2));
  const WeightMatrix copy = *weight;
  EXPECT_EQ(copy.Data(), weight->Data());
  weight.reset();
  EXPECT_EQ(copy.At(0, 1), 2.0F);
}

TEST(WeightMatrixTest, WrongByteCountIsRefused) {
  const std::string message = MessageOf<ContractError>([] {
    WeightMatrix::FromFloats(std::vector<float>(5), WeightLayout::kInOut, 2, 3);
  });
  EXPECT_NE(message.find("20 bytes, but 2 x 3 elements of 4 bytes are 24"),
            std::string::npos)
      << message;
}

TEST(WeightMatrixTest, ElementsOutsideAreRefused) {
  const WeightMatrix weight = WeightMatrix::FromFloats(
      std::vector<float>(6), WeightLayout::kInOut, 2, 3);
  EXPECT_THROW(weight.At(2, 0), ContractError);
  EXPECT_THROW(weight.At(0, 3), ContractError);
  std::vector<float> row(2);
  EXPECT_THROW(weight.CopyOutputRow(3, row), ContractError);
  row.resize(3);
  EXPECT_THROW(weight.CopyOutputRow(0, row), ContractError);
}

TEST(WeightMatrixTest, AnEmptyMapHasPanelsToo) {
  EXPECT_EQ(WeightMatrix().InPanels().Bytes(), 0U);
}

}  // namespace
}  // namespace kvlab
