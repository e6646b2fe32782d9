#include "kit/model/token_batch.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

TEST(PadLeftTest, RowsEndAtTheSameColumn) {
  const TokenBatch batch = PadLeft({{1, 2, 3}, {4}, {5, 6}}, 0);
  EXPECT_EQ(batch.ids, (Tokens{{1, 2, 3}, {0, 0, 4}, {0, 5, 6}}));
  EXPECT_EQ(batch.left_pad, (std::vector<std::size_t>{0, 2, 1}));
}

TEST(PadLeftTest, APromptNeedsAToken) {
  const std::string message = MessageOf<ContractError>([] {
    PadLeft({{1}, {}}, 0);
  });
  EXPECT_NE(message.find("a prompt has no tokens"), std::string::npos);
}

TEST(PadLeftTest, ABatchNeedsAPrompt) {
  EXPECT_THROW(PadLeft({}, 0), ContractError);
}

TEST(SingleRowTest, IsNotPadded) {
  const TokenBatch batch = SingleRow({7, 8});
  EXPECT_EQ(batch.ids, (Tokens{{7, 8}}));
  EXPECT_EQ(batch.left_pad, std::vector<std::size_t>{0});
}

}  // namespace
}  // namespace kvlab
