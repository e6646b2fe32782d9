#include "kit/tokenizer/tokenizer_words.h"

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "kit/files/json_object.h"
#include "kit/testing/testing.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

using Words = std::vector<std::string>;

Words AllWords(std::string_view text) {
  Words words;
  while (!text.empty()) {
    words.emplace_back(FirstWord(text));
    if (words.back().empty()) {
      ADD_FAILURE() << "an empty word before: " << text;
      break;
    }
    text.remove_prefix(words.back().size());
  }
  return words;
}

TEST(FirstWordTest, AnEmptyTextHasNone) { EXPECT_EQ(FirstWord(""), ""); }

TEST(FirstWordTest, ASpaceBelongsToTheWordBehindIt) {
  EXPECT_EQ(AllWords("To be, or 2 be"),
            (Words{"To", " be", ",", " or", " 2", " be"}));
}

TEST(FirstWordTest, LettersNumbersAndTheRestAreCutApart) {
  EXPECT_EQ(AllWords("abc123!?x"), (Words{"abc", "123", "!?", "x"}));
}

TEST(FirstWordTest, ContractionsAreCutOffInLowerCaseOnly) {
  EXPECT_EQ(AllWords("we'll I'LL"), (Words{"we", "'ll", " I", "'", "LL"}));
}

// A contraction is tried only where a word begins: here "''" has begun before.
TEST(FirstWordTest, ContractionsDoNotSplitPunctuation) {
  EXPECT_EQ(AllWords("''s"), (Words{"''", "s"}));
  EXPECT_EQ(AllWords(" 's"), (Words{" '", "s"}));
}

TEST(FirstWordTest, TheLastOfSeveralSpacesGoesToTheNextWord) {
  EXPECT_EQ(AllWords("a   b"), (Words{"a", "  ", " b"}));
  EXPECT_EQ(AllWords("a\n\n\nb"), (Words{"a", "\n\n", "\n", "b"}));
  EXPECT_EQ(AllWords("a \nb"), (Words{"a", " ", "\n", "b"}));
}

TEST(FirstWordTest, SpacesAtTheEndStayTogether) {
  EXPECT_EQ(AllWords("a  \n "), (Words{"a", "  \n "}));
}

TEST(FirstWordTest, ScriptsBeyondAsciiAreLettersNumbersAndSpaces) {
  // Greek letters; the Roman numeral twelve; an em space and a letter
  EXPECT_EQ(AllWords("\u03B1\u03B2 \u216B"),
            (Words{"\u03B1\u03B2", " \u216B"}));
  EXPECT_EQ(AllWords("\u2003x"), (Words{"\u2003", "x"}));
  // An accent after its letter is not a letter itself.
  EXPECT_EQ(AllWords("e\u0301"), (Words{"e", "\u0301"}));
}

// A lone continuation byte, a character cut off, an encoded surrogate, a
// number above U+10FFFF and "/" in two bytes.
TEST(FirstWordTest, BytesThatAreNoUtf8AreNeitherLetterNorNumberNorSpace) {
  for (const std::string bytes :
       {"\x80", "\xE2\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC0\xAF"}) {
    EXPECT_EQ(AllWords("a" + bytes + "!b"), (Words{"a", bytes + "!", "b"}));
  }
}

// Cut by GPT-2's own pattern, run by Python's regex module.
TEST(FirstWordTest, CutsAsThePublishedPattern) {
  const nlohmann::json golden =
      ReadJsonObject(TestData("kit/testdata/golden/words.json"));
  const auto texts = golden.at("words").get<std::vector<Words>>();
  ASSERT_EQ(texts.size(), 400U);
  for (const Words& words : texts) {
    std::string text;
    for (const std::string& word : words) text += word;
    EXPECT_EQ(AllWords(text), words);
  }
}

}  // namespace
}  // namespace kvlab
