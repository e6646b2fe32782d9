#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/checkpoint_testing.h"
#include "kit/error.h"
#include "kit/tensor.h"
#include "kit/testing.h"
#include "kit/tokenizer.h"

namespace kvlab {
namespace {

using ::testing::HasSubstr;
using Ids = std::vector<TokenId>;

constexpr const char* kVocabulary = R"({"a": 0, "b": 1, "ab": 2, "#": 3})";

// A folder with these two files.
std::filesystem::path WriteTokenizer(const std::string& vocab_json,
                                     const std::string& merges_txt) {
  std::filesystem::path folder = EmptyTestFolder();
  WriteFile(folder / "vocab.json", vocab_json);
  WriteFile(folder / "merges.txt", merges_txt);
  return folder;
}

Ids EncodeWith(const std::string& merges_txt, const std::string& text) {
  return Tokenizer::Load(WriteTokenizer(kVocabulary, merges_txt)).Encode(text);
}

TEST(TokenizerFilesTest, TheVersionLineMayBeMissing) {
  EXPECT_EQ(EncodeWith("#version: 0.2\na b\n", "ab"), Ids{2});
  EXPECT_EQ(EncodeWith("a b\n", "ab"), Ids{2});
}

TEST(TokenizerFilesTest, LinesMayEndAsOnWindowsOrAtTheEndOfTheFile) {
  EXPECT_EQ(EncodeWith("#version: 0.2\r\na b\r\n\r\n", "ab"), Ids{2});
  EXPECT_EQ(EncodeWith("#version: 0.2\na b", "ab"), Ids{2});
}

TEST(TokenizerFilesTest, NoMergesLeaveBytes) {
  EXPECT_EQ(EncodeWith("", "ab"), (Ids{0, 1}));
}

// "#" is a symbol as any other: only the version line is no merge.
TEST(TokenizerFilesTest, AMergeMayBeginWithAHash) {
  const auto folder = WriteTokenizer(R"({"#": 0, "##": 1})", "# #\n");
  EXPECT_EQ(Tokenizer::Load(folder).Encode("##"), Ids{1});
}

struct Damage {
  std::string name;
  std::string vocab_json;
  std::string merges_txt;
  std::string file;
  std::string message;
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

Damage BadVocabulary(const std::string& name, const std::string& vocab_json,
                     const std::string& message) {
  return {name, vocab_json, "", "vocab.json", message};
}

Damage BadMerges(const std::string& name, const std::string& merges_txt,
                 const std::string& message) {
  return {name, kVocabulary, merges_txt, "merges.txt", message};
}

class TokenizerFilesDamageTest : public ::testing::TestWithParam<Damage> {};

TEST_P(TokenizerFilesDamageTest, IsAnErrorThatNamesFileAndEntry) {
  const std::filesystem::path folder =
      WriteTokenizer(GetParam().vocab_json, GetParam().merges_txt);
  const std::string message =
      MessageOf<DataError>([&] { Tokenizer::Load(folder); });
  EXPECT_THAT(message, HasSubstr((folder / GetParam().file).string()));
  EXPECT_THAT(message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    AllDamages, TokenizerFilesDamageTest,
    ::testing::Values(
        BadVocabulary("NotJson", R"({"a": 0)", "not valid JSON"),
        BadVocabulary("NoObject", "[0, 1]", "not a JSON object"),
        BadVocabulary("NoTokens", "{}", "has no tokens"),
        BadVocabulary("TokenTwice", R"({"a": 0, "a": 1})",
                      "'a' is there twice"),
        BadVocabulary("IdTwice", R"({"a": 0, "b": 0})", "is taken"),
        BadVocabulary("IdLeftOut", R"({"a": 0, "b": 2})",
                      "the id of 'b' is out of range"),
        BadVocabulary("NegativeId", R"({"a": -1, "b": 1})",
                      "the id of 'a' is out of range"),
        BadVocabulary("HugeId", R"({"a": 0, "b": 18446744073709551615})",
                      "the id of 'b' is out of range"),
        BadVocabulary("IdIsText", R"({"a": "0"})",
                      "the id of 'a' is out of range"),
        // A raw space: in this alphabet it is written U+0120.
        BadVocabulary("CharacterOfNoByte", R"({"a b": 0})",
                      "token 'a b' is malformed"),
        BadVocabulary("CharacterBeyondTheAlphabet", R"({"\u4e2d": 0})",
                      "token '\\xe4\\xb8\\xad' is malformed"),
        BadMerges("OneSymbol", "a b\nab\n", "line 2 'ab' is malformed"),
        BadMerges("ThreeSymbols", "a b #\n", "line 1 'a b #' is malformed"),
        BadMerges("NoLeftSymbol", " b\n", "line 1 ' b' is malformed"),
        BadMerges("NoRightSymbol", "a \n", "line 1 'a ' is malformed"),
        BadMerges("UnknownSymbol", "#version: 0.2\na c\n",
                  "'c' is not in vocab.json"),
        BadMerges("UnknownResult", "b a\n", "'ba' is not in vocab.json"),
        BadMerges("MergeTwice", "a b\na b\n",
                  "line 2 'a b' repeats an earlier one"),
        BadMerges("VersionLineInTheMiddle", "a b\n#version: 0.2\n",
                  "line 2 '#version: 0.2' does not match the vocabulary")),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace kvlab
