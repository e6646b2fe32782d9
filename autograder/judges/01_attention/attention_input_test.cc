#include "autograder/judges/01_attention/attention_input.h"

#include <string>

#include "autograder/exam/difference.h"
#include "gtest/gtest.h"
#include "kit/model/random.h"

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

TEST(RecogniseMistakeTest, NamesTheKeysThatALongInputLoses) {
  Random random(8);
  const AttentionInput input = RandomAttentionInput(random, {.batch = 1,
                                                             .heads = 2,
                                                             .kv_heads = 1,
                                                             .past_len = 150,
                                                             .new_len = 3,
                                                             .head_dim = 4});
  EXPECT_NE(RecogniseMistake(
                SlowAttention(input, SeenKeys{.newest = 128, .end = 1000}),
                input, 1e-5)
                .find("the newest 128 keys only"),
            std::string::npos);
  EXPECT_NE(RecogniseMistake(
                SlowAttention(input, SeenKeys{.newest = 1000, .end = 100}),
                input, 1e-5)
                .find("a key after the first 100"),
            std::string::npos);
}

TEST(WorkOfTest, CountsPairsThatSeeEachOtherAndAllPairs) {
  // 2 products of 6 multiply-accumulates in 4 heads: row 0 has 4 + 5 + 6 + 7
  // pairs, row 1 two fewer a query; each has 4 * 7 with those it does not see.
  const AttentionWork work = WorkOf(ChunkOfTwoRows());
  EXPECT_EQ(work.least, 2U * 6 * 4 * (22 + 14));
  EXPECT_EQ(work.most, 2U * 6 * 4 * 2 * 28);
}

// What combined inputs are drawn for: what one feature alone does not show.
TEST(CombinedAttentionInputsTest, HoldWhatNeedsTwoFeatures) {
  Random random(9);
  bool grouped_step_in_storage = false;
  bool padded_chunk = false;
  bool padding_beyond_255 = false;
  bool padding_beyond_the_keys_of_a_chunk = false;
  bool grouped_and_padded_odd = false;
  for (const CombinedInput& one : CombinedAttentionInputs(random)) {
    const AttentionSizes& sizes = one.input.sizes;
    const std::size_t total_len = sizes.past_len + sizes.new_len;
    const bool grouped = sizes.kv_heads < sizes.heads;
    const std::size_t pad =
        one.input.left_pad.empty() ? 0 : one.input.left_pad[0];
    grouped_step_in_storage |=
        grouped && sizes.past_len > 0 && sizes.new_len == 1 && one.in_storage;
    padded_chunk |= sizes.past_len > 0 && sizes.new_len > 1 && pad > 0 &&
                    pad < sizes.past_len;
    padding_beyond_255 |= pad > 255 && pad < total_len;
    padding_beyond_the_keys_of_a_chunk |= sizes.past_len > 0 && pad > total_len;
    grouped_and_padded_odd |= grouped && pad > 0 && sizes.head_dim % 2 == 1;
  }
  EXPECT_TRUE(grouped_step_in_storage);
  EXPECT_TRUE(padded_chunk);
  EXPECT_TRUE(padding_beyond_255);
  EXPECT_TRUE(padding_beyond_the_keys_of_a_chunk);
  EXPECT_TRUE(grouped_and_padded_odd);
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
                      Mistake::kScaleByAllFeatures, Mistake::kNoSoftmax,
                      Mistake::kPadSeen, Mistake::kInterleavedKvHeads,
                      Mistake::kFirstKvHead));

}  // namespace
}  // namespace kvlab::grading
