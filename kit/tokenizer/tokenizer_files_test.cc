#include <cstddef>
#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/checkpoint_testing.h"
#include "kit/testing/testing.h"
#include "kit/tokenizer/tokenizer.h"
#include "nlohmann/json.hpp"

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

// "#" is a symbol as any other: only the version line is not a merge.
TEST(TokenizerFilesTest, AMergeMayBeginWithAHash) {
  const auto folder = WriteTokenizer(R"({"#": 0, "##": 1})", "# #\n");
  EXPECT_EQ(Tokenizer::Load(folder).Encode("##"), Ids{1});
}

// tokenizer.json alone, edited before it is written.
using Edit = std::function<void(nlohmann::ordered_json&)>;

std::filesystem::path WriteTokenizerJson(const Edit& edit) {
  TinyCheckpoint tiny;
  tiny.vocab_json = R"({"a": 0, "b": 1, "ab": 2, "#": 3})";
  tiny.merges_txt = "a b\n";
  nlohmann::ordered_json tokenizer = tiny.TokenizerJson();
  edit(tokenizer);
  std::filesystem::path folder = EmptyTestFolder();
  WriteFile(folder / "tokenizer.json", tokenizer.dump());
  return folder;
}

TEST(TokenizerJsonTest, MergesArePairsOrStrings) {
  const auto pairs = WriteTokenizerJson([](auto&) {});
  EXPECT_EQ(Tokenizer::Load(pairs).Encode("ab#"), (Ids{2, 3}));
  const auto strings =
      WriteTokenizerJson([](auto& json) { json["model"]["merges"] = {"a b"}; });
  EXPECT_EQ(Tokenizer::Load(strings).Encode("ab#"), (Ids{2, 3}));
}

// Parts that older files leave out or write differently.
TEST(TokenizerJsonTest, ReadsFilesOfAllAges) {
  const std::vector<Edit> edits = {
      [](auto& json) { json["model"].erase("type"); },
      [](auto& json) { json["model"].erase("ignore_merges"); },
      [](auto& json) { json["pre_tokenizer"].erase("use_regex"); },
      [](auto& json) { json["post_processor"] = nullptr; },
      [](auto& json) { json["decoder"] = nullptr; },
      [](auto& json) { json["model"]["unk_token"] = "<|endoftext|>"; },
      [](auto& json) { json["model"]["dropout"] = 0.0; },
      [](auto& json) { json.erase("added_tokens"); },
      [](auto& json) {
        json["pre_tokenizer"] = {{"type", "Sequence"},
                                 {"pretokenizers", {json["pre_tokenizer"]}}};
      },
      [](auto& json) {
        json["post_processor"] = {
            {"type", "TemplateProcessing"},
            {"single", {{{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}}};
      }};
  for (std::size_t i = 0; i < edits.size(); ++i) {
    SCOPED_TRACE("edit " + std::to_string(i));
    EXPECT_EQ(Tokenizer::Load(WriteTokenizerJson(edits[i])).Encode("ab"),
              Ids{2});
  }
}

// Added tokens stand for their own text and are not found in text; one may be
// in the vocabulary as well.
TEST(TokenizerJsonTest, ReadsAddedTokens) {
  const auto folder = WriteTokenizerJson([](auto& json) {
    json["added_tokens"] = {{{"id", 3}, {"content", "#"}, {"special", true}},
                            {{"id", 4}, {"content", "<é x>"}}};
  });
  const Tokenizer tokenizer = Tokenizer::Load(folder);
  EXPECT_EQ(tokenizer.VocabSize(), 5U);
  EXPECT_EQ(tokenizer.TextVocabSize(), 4U);
  EXPECT_EQ(tokenizer.Decode(Ids{4, 3, 2}), "<é x>#ab");
}

TEST(TokenizerJsonTest, NamesWhatIsNotGpt2s) {
  const std::vector<std::pair<std::string, Edit>> others = {
      {"'model' is not that of GPT-2",
       [](auto& json) { json["model"]["type"] = "WordPiece"; }},
      {"'model' is not that of GPT-2",
       [](auto& json) {
         json["model"] = {{"type", "Unigram"}};
       }},
      {"'model' is malformed", [](auto& json) { json.erase("model"); }},
      {"'model.byte_fallback'",
       [](auto& json) { json["model"]["byte_fallback"] = true; }},
      {"'model.ignore_merges'",
       [](auto& json) { json["model"]["ignore_merges"] = true; }},
      {"'model.end_of_word_suffix'",
       [](auto& json) { json["model"]["end_of_word_suffix"] = "</w>"; }},
      {"'model.continuing_subword_prefix'",
       [](auto& json) { json["model"]["continuing_subword_prefix"] = "##"; }},
      {"'model.dropout'", [](auto& json) { json["model"]["dropout"] = 0.1; }},
      {"'normalizer'",
       [](auto& json) {
         json["normalizer"] = {{"type", "NFC"}};
       }},
      {"'pre_tokenizer'", [](auto& json) { json["pre_tokenizer"] = nullptr; }},
      {"'pre_tokenizer'",
       [](auto& json) { json["pre_tokenizer"]["type"] = "Metaspace"; }},
      {"'pre_tokenizer'",
       [](auto& json) {
         json["pre_tokenizer"] = {
             {"type", "Sequence"},
             {"pretokenizers",
              {{{"type", "Digits"}}, {{"type", "ByteLevel"}}}}};
       }},
      {"'pre_tokenizer.use_regex'",
       [](auto& json) { json["pre_tokenizer"]["use_regex"] = false; }},
      {"'pre_tokenizer.add_prefix_space'",
       [](auto& json) { json["pre_tokenizer"]["add_prefix_space"] = true; }},
      {"'decoder'", [](auto& json) { json["decoder"]["type"] = "WordPiece"; }},
      {"'post_processor'",
       [](auto& json) {
         json["post_processor"] = {{"type", "RobertaProcessing"}};
       }},
      {"'model.vocab' is malformed",
       [](auto& json) {
         json["model"]["vocab"] = {1, 2};
       }},
      {"'model.merges' is malformed",
       [](auto& json) { json["model"].erase("merges"); }},
      {"merge 1 is malformed",
       [](auto& json) { json["model"]["merges"] = {"ab"}; }},
      {"merge 2 is malformed",
       [](auto& json) {
         json["model"]["merges"] = {{"a", "b"}, {"a", "b", "c"}};
       }},
      {"merge 2 'a b' repeats an earlier one",
       [](auto& json) {
         json["model"]["merges"] = {"a b", "a b"};
       }},
      {"merge 1 'b a' does not match the vocabulary",
       [](auto& json) { json["model"]["merges"] = {"b a"}; }},
      {"'ba' is not in tokenizer.json",
       [](auto& json) { json["model"]["merges"] = {"b a"}; }},
      {"the id of '<pad>' is out of range",
       [](auto& json) {
         json["added_tokens"] = {{{"id", 5}, {"content", "<pad>"}}};
       }},
      {"is taken",
       [](auto& json) {
         json["added_tokens"] = {{{"id", 2}, {"content", "<pad>"}}};
       }},
      {"the id of '#' appears twice",
       [](auto& json) {
         json["added_tokens"] = {{{"id", 2}, {"content", "#"}}};
       }},
      {"'added_tokens' is malformed",
       [](auto& json) {
         json["added_tokens"] = {{{"content", "<pad>"}}};
       }},
  };
  for (const auto& [words, edit] : others) {
    const auto folder = WriteTokenizerJson(edit);
    const std::string message =
        MessageOf<DataError>([&] { Tokenizer::Load(folder); });
    EXPECT_THAT(message, HasSubstr((folder / "tokenizer.json").string()));
    EXPECT_THAT(message, HasSubstr(words));
  }
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
        BadVocabulary("MoreAfterANul",
                      std::string(R"({"a": 0})") + '\0' + R"({"b": 0})",
                      "has a NUL byte"),
        BadVocabulary("NulInAToken", std::string(R"({"a)") + '\0' + R"(": 0})",
                      "has a NUL byte"),
        BadVocabulary("NoObject", "[0, 1]", "not a JSON object"),
        BadVocabulary("NoTokens", "{}", "has no tokens"),
        BadVocabulary("TokenTwice", R"({"a": 0, "a": 1})", "'a' appears twice"),
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
