#include "kit/model/held_out.h"

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/tensor/tensor.h"
#include "kit/tokenizer/tokenizer.h"

namespace kvlab {
namespace {

Tokenizer TinyTokenizer() {
  return Tokenizer::Load("kit/testdata/tiny-gpt2-random");
}

TEST(HeldOutTokensTest, AreTheLastTwentieth) {
  // 38 times " low", which is one token, and three letters, which are one each:
  // 95 % of 41 tokens are 38.
  const std::filesystem::path text =
      std::filesystem::path(testing::TempDir()) / "held_out_test.txt";
  {
    std::ofstream file(text);
    for (int i = 0; i < 38; ++i) file << " low";
    file << "oil";
  }
  EXPECT_EQ(HeldOutTokens(text, TinyTokenizer()),
            (std::vector<TokenId>{1, 7, 0}));
}

TEST(HeldOutTokensTest, ATextHasToBeThere) {
  EXPECT_THROW(HeldOutTokens("no/such/text.txt", TinyTokenizer()), DataError);
}

TEST(SumOfLossesTest, IsMinusTheLogarithmOfEachProbability) {
  // Probabilities 1/4 3/4 and 4/5 1/5, also far from 0.
  Tensor3 logits = Tensor3::from_shape({1, 2, 2});
  logits(0, 0, 0) = 0;
  logits(0, 0, 1) = std::log(3.0F);
  logits(0, 1, 0) = 1000 + std::log(4.0F);
  logits(0, 1, 1) = 1000;
  const double loss = SumOfLosses(logits, std::array<TokenId, 2>{1, 1});
  // 1000 + log 4 has 14 bits after the point in float32.
  EXPECT_NEAR(loss, std::log(4.0 / 3) + std::log(5.0), 1e-4);
}

TEST(SumOfLossesTest, EveryTokenHasLogits) {
  const Tensor3 logits = Tensor3::from_shape({1, 2, 2});
  EXPECT_THROW(SumOfLosses(logits, std::array<TokenId, 1>{1}), ContractError);
}

}  // namespace
}  // namespace kvlab
