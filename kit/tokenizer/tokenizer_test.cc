#include "kit/tokenizer/tokenizer.h"

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/golden_logits.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

const Tokenizer& Gpt2Tokenizer() {
  static const Tokenizer tokenizer =
      Tokenizer::Load(TestData("kit/testdata/gpt2-bpe/encoder.json"),
                      TestData("kit/testdata/gpt2-bpe/vocab.bpe"));
  return tokenizer;
}

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

using Ids = std::vector<TokenId>;

// Texts and their ids, from llama.cpp's test of GPT-2's vocabulary: texts end
// with a line "__ggml_vocab_test__", each has one line of ids.
struct Vector {
  std::string text;
  Ids ids;
};

std::vector<Vector> PublishedVectors() {
  const std::string path =
      "kit/testdata/gpt2-bpe-vectors/ggml-vocab-gpt-2.gguf.";
  const std::string texts = ReadText(TestData(path + "inp"));
  std::ifstream id_lines(TestData(path + "out"));
  const std::string separator = "\n__ggml_vocab_test__\n";
  std::vector<Vector> vectors;
  std::size_t begin = 0;
  for (std::string line; std::getline(id_lines, line);) {
    const std::size_t end = texts.find(separator, begin);
    if (end == std::string::npos) break;
    std::istringstream numbers(line);
    vectors.push_back({texts.substr(begin, end - begin),
                       Ids(std::istream_iterator<TokenId>(numbers), {})});
    begin = end + separator.size();
  }
  EXPECT_EQ(begin, texts.size()) << "a text has no line of ids";
  return vectors;
}

TEST(TokenizerTest, EncodesThePublishedVectors) {
  const std::vector<Vector> vectors = PublishedVectors();
  ASSERT_EQ(vectors.size(), 46U);
  for (const Vector& vector : vectors) {
    EXPECT_EQ(Gpt2Tokenizer().Encode(vector.text), vector.ids) << vector.text;
  }
}

TEST(TokenizerTest, DecodesThePublishedVectors) {
  for (const Vector& vector : PublishedVectors()) {
    EXPECT_EQ(Gpt2Tokenizer().Decode(vector.ids), vector.text);
  }
}

TEST(TokenizerTest, HasTheWholeVocabulary) {
  EXPECT_EQ(Gpt2Tokenizer().VocabSize(), 50257U);
}

// Two vocabularies of other models, encoded by a plain implementation in
// Python, testdata/golden/make_logits.py.
TEST(TokenizerTest, EncodesAsAnotherImplementation) {
  for (const std::string model : {"shakespeare-gpt2", "tiny-gpt2-random"}) {
    const Tokenizer tokenizer = Tokenizer::Load(TestData(
        model == "shakespeare-gpt2" ? "models/shakespeare-gpt2"
                                    : "kit/testdata/tiny-gpt2-random"));
    for (const GoldenPrompt& prompt : LoadGoldenLogits(model)) {
      Ids ids = tokenizer.Encode(prompt.text);
      ASSERT_GE(ids.size(), prompt.tokens.size());
      ids.resize(prompt.tokens.size());
      EXPECT_EQ(ids, prompt.tokens) << model << ": " << prompt.text;
    }
  }
}

// Special tokens have ids but are never made from text.
TEST(TokenizerTest, DoesNotRecogniseSpecialTokensInText) {
  const std::string special = "<|endoftext|>";
  EXPECT_EQ(Gpt2Tokenizer().Decode(Ids{50256}), special);
  EXPECT_GT(Gpt2Tokenizer().Encode(special).size(), 1U);
}

TEST(TokenizerTest, EmptyTextHasNoTokens) {
  EXPECT_TRUE(Gpt2Tokenizer().Encode("").empty());
  EXPECT_EQ(Gpt2Tokenizer().Decode({}), "");
}

TEST(TokenizerTest, RoundTripsEveryByte) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    EXPECT_EQ(Gpt2Tokenizer().Decode(Gpt2Tokenizer().Encode(text)), text)
        << "byte " << byte;
  }
}

// Most random bytes are not valid UTF-8.
TEST(TokenizerTest, RoundTripsRandomBytes) {
  const std::uint64_t seed = 20240601;
  Random random(seed);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string text(random.NextBelow(64), '\0');
    for (char& c : text) c = static_cast<char>(random.NextBelow(256));
    EXPECT_EQ(Gpt2Tokenizer().Decode(Gpt2Tokenizer().Encode(text)), text)
        << "seed " << seed << ", trial " << trial;
  }
}

// Pieces of UTF-8 that belong together, cut apart, and mixed with spaces.
TEST(TokenizerTest, RoundTripsRandomPiecesOfUnicode) {
  constexpr std::array<std::string_view, 14> kPieces = {
      " ",    "\n",       "\t",   "a",        "'s", "\xC2\x85", "\xE2\x80\x83",
      "\xE2", "\xF0\x9F", "\xC3", "\xC3\xA9", "7",  "\xCC\x81", "!"};
  const std::uint64_t seed = 7;
  Random random(seed);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string text;
    for (std::size_t n = random.NextBelow(20); n > 0; --n) {
      text += kPieces[random.NextBelow(kPieces.size())];
    }
    EXPECT_EQ(Gpt2Tokenizer().Decode(Gpt2Tokenizer().Encode(text)), text)
        << "seed " << seed << ", trial " << trial;
  }
}

TEST(TokenizerTest, RoundTripsShakespeareWithTheShippedVocabulary) {
  const Tokenizer tokenizer =
      Tokenizer::Load(TestData("models/shakespeare-gpt2"));
  EXPECT_EQ(tokenizer.VocabSize(), 1024U);
  const std::string text =
      ReadText(TestData("kit/testdata/tinyshakespeare/input.txt"));
  const Ids ids = tokenizer.Encode(text);
  EXPECT_EQ(tokenizer.Decode(ids), text);
}

// One word of a megabyte: an algorithm that scans the word once per merge
// would take 10^11 steps and run into the test's time limit.
TEST(TokenizerTest, EncodesOneVeryLongWord) {
  std::string word;
  Random random(3);
  while (word.size() < 1'000'000) {
    word += static_cast<char>('a' + random.NextBelow(26));
  }
  EXPECT_EQ(Gpt2Tokenizer().Decode(Gpt2Tokenizer().Encode(word)), word);
  const std::string same(1'000'000, 'a');
  EXPECT_EQ(Gpt2Tokenizer().Decode(Gpt2Tokenizer().Encode(same)), same);
}

TEST(TokenizerTest, DecodeRefusesIdsOutsideTheVocabulary) {
  for (const TokenId id : {-1, 50257}) {
    const std::string message =
        MessageOf<ContractError>([&] { Gpt2Tokenizer().Decode(Ids{id}); });
    EXPECT_NE(message.find("no token " + std::to_string(id)), std::string::npos)
        << message;
  }
}

// tiny-gpt2-random has 21 tokens: "l", "o", "w", ... but no "a".
TEST(TokenizerTest, SaysWhichByteASmallVocabularyLacks) {
  const Tokenizer tokenizer =
      Tokenizer::Load(TestData("kit/testdata/tiny-gpt2-random"));
  EXPECT_EQ(tokenizer.Encode(" low"), (Ids{14}));
  EXPECT_EQ(tokenizer.Decode(Ids{14, 15}), " lower");
  const std::string message =
      MessageOf<DataError>([&] { tokenizer.Encode("slam"); });
  EXPECT_NE(message.find("no token for the byte 'a'"), std::string::npos)
      << message;
  EXPECT_NE(message.find("vocab.json"), std::string::npos) << message;
}

}  // namespace
}  // namespace kvlab
