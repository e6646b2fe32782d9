#include "kit/files/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/testing/checkpoint_testing.h"
#include "kit/testing/testing.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

using ::testing::HasSubstr;

// Two tensors of 6 and 4 bytes: "first" is F16 [3], "second" U8 [2, 2].
constexpr const char* kGoodHeader =
    R"({"__metadata__": {"format": "pt"},)"
    R"( "first": {"dtype": "F16", "shape": [3], "data_offsets": [0, 6]},)"
    R"( "second": {"dtype": "U8", "shape": [2, 2], "data_offsets": [6, 10]}})";
const std::string kGoodData = "firstdata!";

std::filesystem::path WriteTestFile(const std::string& bytes) {
  std::filesystem::path path = EmptyTestFolder() / "model.safetensors";
  WriteFile(path, bytes);
  return path;
}

TEST(SafeTensorsTest, FindsTensorsByName) {
  const auto file = SafeTensorsFile::Open(
      WriteTestFile(SafetensorsBytes(kGoodHeader, kGoodData)));

  const SafeTensor* second = file.Find("second");
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->dtype, "U8");
  EXPECT_EQ(second->shape, (std::vector<std::uint64_t>{2, 2}));
  ASSERT_EQ(second->bytes.size(), 4U);
  EXPECT_EQ(std::memcmp(second->bytes.data(), "ata!", 4), 0);

  EXPECT_EQ(file.Find("third"), nullptr);
  EXPECT_EQ(file.Find("__metadata__"), nullptr);
}

// The header lists tensors in any order; scalars and empty tensors are tensors.
TEST(SafeTensorsTest, ReadsUnorderedScalarAndEmptyTensors) {
  const auto file = SafeTensorsFile::Open(WriteTestFile(SafetensorsBytes(
      R"({"late": {"dtype": "U8", "shape": [1], "data_offsets": [4, 5]},)"
      R"( "none": {"dtype": "F32", "shape": [0, 3], "data_offsets": [4, 4]},)"
      R"( "scalar": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}})",
      "1234!")));
  EXPECT_EQ(file.Find("scalar")->bytes.size(), 4U);
  EXPECT_EQ(file.Find("late")->bytes.size(), 1U);
  EXPECT_TRUE(file.Find("none")->bytes.empty());
}

TEST(SafeTensorsTest, ReadsAFileWithoutTensors) {
  const auto file =
      SafeTensorsFile::Open(WriteTestFile(SafetensorsBytes("{}", "")));
  EXPECT_EQ(file.Find("first"), nullptr);
}

TEST(SafeTensorsTest, TellsItsMetadataAndItsNames) {
  const auto file = SafeTensorsFile::Open(
      WriteTestFile(SafetensorsBytes(kGoodHeader, kGoodData)));
  ASSERT_NE(file.Metadata("format"), nullptr);
  EXPECT_EQ(*file.Metadata("format"), "pt");
  EXPECT_EQ(file.Metadata("first"), nullptr);
  EXPECT_EQ(file.Names(), (std::vector<std::string>{"first", "second"}));
}

// A file with one defect, and the error's text.
struct Damage {
  std::string name;
  std::string bytes;
  std::string message;
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

// The good file with `from` replaced by `to` in its header.
std::string WithHeader(const std::string& from, const std::string& to) {
  std::string header = kGoodHeader;
  const std::size_t at = header.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return SafetensorsBytes(header.replace(at, from.size(), to), kGoodData);
}

std::string WithLength(std::uint64_t length) {
  std::string bytes = SafetensorsBytes(kGoodHeader, kGoodData);
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes;
}

std::vector<Damage> Damages() {
  const std::string good = SafetensorsBytes(kGoodHeader, kGoodData);
  const std::uint64_t too_long = (16U << 20U) + 1;
  std::string long_header =
      SafetensorsBytes("{}" + std::string(too_long, ' '), "");
  return {
      {"Empty", "", "too short"},
      {"ShorterThanItsLength", good.substr(0, 7), "too short"},
      {"HeaderOneByteLongerThanFile", WithLength(good.size() - 7),
       "header is longer than the file"},
      {"HeaderLength2To64", WithLength(~std::uint64_t{0}),
       "header is longer than the file"},
      {"HeaderTooLong", long_header, "header is too long"},
      {"HeaderLength0", WithLength(0), "not valid JSON"},
      {"HeaderCutInTheMiddle", WithLength(40), "not valid JSON"},
      {"TruncatedInHeader", good.substr(0, 50),
       "header is longer than the file"},
      {"TruncatedByOneByte", good.substr(0, good.size() - 1),
       "'second' lies outside the file"},
      {"OneByteTooMany", good + "?", "bytes after the last tensor"},
      {"HeaderIsAnArray", SafetensorsBytes("[]", ""), "not a JSON object"},
      {"HeaderNotUtf8", WithHeader("first", "fi\xFFst"), "not valid JSON"},
      {"NestedTooDeeply",
       WithHeader("[3]", std::string(1000, '[') + std::string(1000, ']')),
       "nested too deeply"},
      {"SameTensorTwice", WithHeader("second", "first"),
       "'first' appears twice"},
      {"SameFieldTwice", WithHeader(R"("U8",)", R"("U8", "dtype": "U8",)"),
       "'dtype' appears twice"},
      {"MetadataIsNoMap", WithHeader(R"({"format": "pt"})", "3"),
       "'__metadata__' is malformed"},
      {"MetadataIsNoText", WithHeader(R"("pt")", "3"),
       "'__metadata__' is malformed"},
      {"EntryIsNoObject", SafetensorsBytes(R"({"first": [0, 6]})", "123456"),
       "'first' has no description"},
      {"NoDType", WithHeader(R"("dtype": "F16", )", ""),
       "'first' has no dtype"},
      {"DTypeIsNoText", WithHeader(R"("F16")", "16"), "'first' has no dtype"},
      {"UnknownDType", WithHeader("F16", "F17"),
       "'first' has an unknown dtype"},
      {"NoShape", WithHeader(R"("shape": [3], )", ""), "'first' has no shape"},
      {"ShapeIsNoArray", WithHeader("[3]", "3"), "'first' has no shape"},
      {"NegativeShape", WithHeader("[3]", "[-3]"), "'first' has a bad shape"},
      {"FractionalShape", WithHeader("[3]", "[3.0]"),
       "'first' has a bad shape"},
      {"ShapeOf65Bits", WithHeader("[3]", "[18446744073709551616]"),
       "'first' has a bad shape"},
      {"NumberBeyondAllTypes", WithHeader("[3]", "[1e999]"), "not valid JSON"},
      {"ShapeOfManyAxes", WithHeader("[3]", "[3,1,1,1,1,1,1,1,1]"),
       "'first' has a bad shape"},
      // (2^63 + 3) * 2 bytes would wrap to the 6 that are there.
      {"ShapeProductOverflows", WithHeader("[3]", "[9223372036854775811]"),
       "'first' has an impossible shape"},
      {"ShapeTooSmall", WithHeader("[3]", "[2]"),
       "'first' has a shape that disagrees"},
      {"ShapeTooLarge", WithHeader("[3]", "[4]"),
       "'first' has a shape that disagrees"},
      {"DTypeTooLarge", WithHeader("F16", "F32"),
       "'first' has a shape that disagrees"},
      // A parser that takes NUL for the end would not see the rest.
      {"NulPadding",
       SafetensorsBytes(kGoodHeader + std::string(9, '\0'), kGoodData),
       "the header: has a NUL byte"},
      {"MoreAfterANul",
       SafetensorsBytes(
           kGoodHeader + std::string(1, '\0') + R"({"first": {"dtype": "U8"}})",
           kGoodData),
       "the header: has a NUL byte"},
      {"NoOffsets", WithHeader(R"(, "data_offsets": [0, 6])", ""),
       "'first' has no data_offsets"},
      {"OneOffset", WithHeader("[0, 6]", "[0]"),
       "'first' has bad data_offsets"},
      {"NegativeOffset", WithHeader("[0, 6]", "[-6, 0]"),
       "'first' has a bad data_offsets"},
      {"EndsBeforeItBegins", WithHeader("[0, 6]", "[6, 0]"),
       "'first' ends before it begins"},
      {"BehindTheFile", WithHeader("[6, 10]", "[7, 11]"),
       "'second' lies outside the file"},
      {"FarBehindTheFile",
       WithHeader("[6, 10]", "[18446744073709551611, 18446744073709551615]"),
       "'second' lies outside the file"},
      {"Overlap", WithHeader("[6, 10]", "[5, 9]"),
       "'first' and 'second' overlap"},
      {"SameBytes",
       SafetensorsBytes(
           R"({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},)"
           R"( "b": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}})",
           "1234"),
       "'a' and 'b' overlap"},
      {"Hole",
       SafetensorsBytes(
           R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},)"
           R"( "b": {"dtype": "U8", "shape": [1], "data_offsets": [2, 3]}})",
           "123"),
       "a hole before tensor 'b'"},
  };
}

class SafeTensorsDamageTest : public ::testing::TestWithParam<Damage> {};

TEST_P(SafeTensorsDamageTest, IsAnErrorThatNamesFileAndTensor) {
  const std::filesystem::path path = WriteTestFile(GetParam().bytes);
  const std::string message =
      MessageOf<DataError>([&] { SafeTensorsFile::Open(path); });
  EXPECT_THAT(message, HasSubstr(path.string()));
  EXPECT_THAT(message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(AllDamages, SafeTensorsDamageTest,
                         ::testing::ValuesIn(Damages()),
                         [](const auto& test) { return test.param.name; });

// Names come from the file, so a message may contain only printable text.
TEST(SafeTensorsTest, MessagesQuoteNamesSafely) {
  const std::string name = "\\u001b[31m" + std::string(1000, 'x');
  const auto path =
      WriteTestFile(SafetensorsBytes(R"({")" + name + R"(": 1})", ""));
  const std::string message =
      MessageOf<DataError>([&] { SafeTensorsFile::Open(path); });
  EXPECT_THAT(message, HasSubstr(R"('\x1b[31mxxx)"));
  EXPECT_LT(message.size(), path.string().size() + 300);
}

}  // namespace
}  // namespace kvlab
