#include "autograder/checks/attention_input.h"

#include <string>

#include "autograder/checks/difference.h"
#include "gtest/gtest.h"
#include "kit/random.h"

namespace kvlab::grading {
namespace {

AttentionInput ChunkOfTwoRows() {
  Random random(7);
  AttentionInput input = RandomAttentionInput(random, {.batch = 2,
                                                       .heads = 4,
                                                       .kv_heads = 2,
                                                       .past_len = 3,
                                                       .new_len = 4,
                                                       .head_dim = 6});
  input.left_pad = {0, 2};
  return input;
}

// One query, two keys, worked out by hand: scores 0 and ln(3) * sqrt(D), so
// weights 1/4 and 3/4.
TEST(SlowAttentionTest, WeighsValuesBySoftmax) {
  const float score = 1.0986123F * 2.0F;  // ln 3 times sqrt(4)
  const AttentionInput input = {
      .sizes = {.batch = 1,
                .heads = 1,
                .kv_heads = 1,
                .past_len = 1,
                .new_len = 1,
                .head_dim = 4},
      .queries = {.shape = {1, 1, 1, 4}, .values = {1, 0, 0, 0}},
      .keys = {.shape = {1, 1, 2, 4}, .values = {0, 0, 0, 0, score, 0, 0, 0}},
      .values = {.shape = {1, 1, 2, 4}, .values = {4, 0, 8, 0, 0, 4, 8, 0}},
      .left_pad = {}};
  const Array expected = {.shape = {1, 1, 1, 4}, .values = {1, 3, 8, 0}};
  EXPECT_EQ(Difference(SlowAttention(input, Mistake::kNone), expected, 1e-5,
                       kHeadAxes),
            std::nullopt);
}

TEST(RecogniseMistakeTest, SaysNothingAboutARightAnswer) {
  const AttentionInput input = ChunkOfTwoRows();
  EXPECT_EQ(RecogniseMistake(SlowAttention(input, Mistake::kNone), input, 1e-5),
            "");
}

TEST(RecogniseMistakeTest, SaysNothingAboutAnUnknownMistake) {
  const AttentionInput input = ChunkOfTwoRows();
  Array answer = SlowAttention(input, Mistake::kNone);
  for (float& value : answer.values) value += 1;
  EXPECT_EQ(RecogniseMistake(answer, input, 1e-5), "");
}

class MistakeTest : public ::testing::TestWithParam<Mistake> {};

TEST_P(MistakeTest, HasAHintOfItsOwn) {
  const AttentionInput input = ChunkOfTwoRows();
  const std::string hint =
      RecogniseMistake(SlowAttention(input, GetParam()), input, 1e-5);
  EXPECT_NE(hint, "");
}

INSTANTIATE_TEST_SUITE_P(
    All, MistakeTest,
    ::testing::Values(Mistake::kNoMask, Mistake::kTopLeftMask,
                      Mistake::kMaskBeyondDiagonal,
                      Mistake::kMaskWithoutDiagonal, Mistake::kZeroForMasked,
                      Mistake::kNoScale, Mistake::kScaleByDim,
                      Mistake::kNoSoftmax, Mistake::kPadSeen,
                      Mistake::kInterleavedKvHeads, Mistake::kFirstKvHead));

}  // namespace
}  // namespace kvlab::grading
