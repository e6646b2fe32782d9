// Module 1, tasks 1.1 to 1.4.
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "autograder/checks/attention_input.h"
#include "autograder/checks/check_groups.h"
#include "autograder/checks/compare.h"
#include "autograder/checks/difference.h"
#include "autograder/checks/inputs.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// --- 1.1 ---

// Rows of `cols` scores in storage of `stride` columns: what lies behind a row
// belongs to somebody else.
void CompareSoftmax(Exam& exam, const Array& storage, std::size_t cols) {
  const Answers answers =
      exam.AskBoth("attention.softmax", {storage, Int(cols)});
  CompareArrays(exam, answers, 0, kMatrixAxes);
}

void SoftmaxValues(Exam& exam) {
  Random& random = exam.Randomness();
  for (int round = 0; round < 4; ++round) {
    const std::size_t rows = Between(random, 2, 9);
    const std::size_t cols = Between(random, 2, 40);
    const std::size_t stride = cols + Between(random, 0, 5);
    exam.Case(fmt::format("{} rows of {} scores, {} floats apart", rows, cols,
                          stride));
    CompareSoftmax(exam, RandomArray(random, {rows, stride}, 4.0F), cols);
  }
}

void SoftmaxOfLargeScores(Exam& exam) {
  Random& random = exam.Randomness();
  const std::size_t cols = Between(random, 5, 20);
  Array scores = RandomArray(random, {4, cols}, 4.0F);
  for (std::size_t i = 0; i < scores.values.size(); ++i) {
    const bool upper_half = i < scores.values.size() / 2;
    scores.values[i] += upper_half ? 1000.0F : -1000.0F;
  }
  exam.Case("scores around 1000 and around -1000");
  CompareSoftmax(exam, scores, cols);
}

void SoftmaxOfMaskedScores(Exam& exam) {
  Random& random = exam.Randomness();
  const std::size_t cols = Between(random, 6, 20);
  Array scores = RandomArray(random, {5, cols}, 4.0F);
  for (std::size_t row = 0; row < 5; ++row) {
    // row 0 hides nothing, row 4 everything
    const std::size_t hidden = row * cols / 4;
    for (std::size_t col = cols - hidden; col < cols; ++col) {
      scores.values[row * cols + col] = -kInfinity;
    }
  }
  exam.Case("rows that hold -infinity, the last one nothing else");
  CompareSoftmax(exam, scores, cols);
}

// --- 1.2 ---

void SplittingHeads(Exam& exam) {
  Random& random = exam.Randomness();
  const std::size_t heads = Between(random, 2, 4);
  const Array x = RandomArray(random, {2, Between(random, 5, 7), heads * 8});
  exam.Case(fmt::format("{} features cut into {} heads", heads * 8, heads));
  CompareArrays(exam, exam.AskBoth("attention.split_heads", {x, Int(heads)}), 0,
                kHeadAxes);
}

void MergingHeads(Exam& exam) {
  Random& random = exam.Randomness();
  const std::size_t heads = Between(random, 2, 4);
  const Array x = RandomArray(random, {2, heads, Between(random, 5, 7), 8});
  exam.Case(fmt::format("{} heads of 8 features merged", heads));
  CompareArrays(exam, exam.AskBoth("attention.merge_heads", {x}), 0,
                kTokenAxes);
}

// What refuses must also serve; one head can be cut in no wrong way.
void RefusingHeads(Exam& exam) {
  const Array x = RandomArray(exam.Randomness(), {1, 2, 10});
  exam.Case("10 features cut into one head");
  CompareArrays(exam, exam.AskBoth("attention.split_heads", {x, Int(1)}), 0,
                kHeadAxes);
  exam.Case("");
  exam.ExpectRefusal("attention.split_heads", {x, Int(3)},
                     "10 features cut into 3 heads");
  exam.ExpectRefusal("attention.split_heads", {x, Int(0)},
                     "cutting by 0 heads");
}

// --- 1.3 ---

void CompareAttention(Exam& exam, const AttentionInput& input) {
  exam.Case(Describe(input));
  const Answers answers = exam.AskBoth(
      "attention.causal",
      {input.queries, input.keys, input.values, Ints(input.left_pad)});
  CompareArrays(exam, answers, 0, kHeadAxes, [&](const Array& answer) {
    return RecogniseMistake(answer, input, exam.Setting("tolerance"));
  });
}

void FullPass(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t new_len : {Between(random, 6, 9), std::size_t{1}}) {
    CompareAttention(exam, RandomAttentionInput(random, {.batch = 2,
                                                         .heads = 3,
                                                         .kv_heads = 3,
                                                         .past_len = 0,
                                                         .new_len = new_len,
                                                         .head_dim = 8}));
  }
}

void ChunkMask(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t new_len :
       {std::size_t{1}, Between(random, 2, 3), Between(random, 4, 6)}) {
    CompareAttention(
        exam, RandomAttentionInput(random, {.batch = 2,
                                            .heads = 3,
                                            .kv_heads = 3,
                                            .past_len = Between(random, 3, 7),
                                            .new_len = new_len,
                                            .head_dim = 8}));
  }
}

// Full passes of one kv head per head: an error of tasks beside padding fails
// FullPass, not this.
void LeftPadding(Exam& exam) {
  Random& random = exam.Randomness();
  AttentionInput input = RandomAttentionInput(random, {.batch = 3,
                                                       .heads = 2,
                                                       .kv_heads = 2,
                                                       .past_len = 0,
                                                       .new_len = 7,
                                                       .head_dim = 8});
  input.left_pad = {Between(random, 1, 3), 0, Between(random, 4, 6)};
  CompareAttention(exam, input);
}

// The last query of a full pass sees all keys, whatever becomes of the mask.
void CompareLastQuery(Exam& exam, const std::string& operation,
                      const Question& question, const AttentionInput& input) {
  const Answers answers = exam.AskBoth(operation, question);
  const auto last = [&](const Array& array) {
    return Slice(array, 2, input.sizes.new_len - 1, input.sizes.new_len);
  };
  const Array& right = exam.Get<Array>(answers.reference, 0);
  const Array& actual = exam.Get<Array>(answers.student, 0);
  if (actual.shape != right.shape) {
    CompareArrays(exam, actual, right, kHeadAxes);
  }
  CompareArrays(
      exam, last(actual), last(right), kHeadAxes, [&](const Array& answer) {
        return RecogniseMistake(answer, input, exam.Setting("tolerance"), last);
      });
}

void GroupedHeads(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t kv_heads : {3, 2, 1}) {
    const AttentionInput input =
        RandomAttentionInput(random, {.batch = 2,
                                      .heads = 6,
                                      .kv_heads = kv_heads,
                                      .past_len = 0,
                                      .new_len = 5,
                                      .head_dim = 8});
    exam.Case(Describe(input) + "; the last query");
    CompareLastQuery(exam, "attention.causal",
                     {input.queries, input.keys, input.values, Integers()},
                     input);
  }
}

void ViewsOfStorage(Exam& exam) {
  Random& random = exam.Randomness();
  const AttentionInput input = RandomAttentionInput(random, {.batch = 2,
                                                             .heads = 3,
                                                             .kv_heads = 3,
                                                             .past_len = 0,
                                                             .new_len = 4,
                                                             .head_dim = 8});
  const std::size_t capacity = 4 + Between(random, 3, 9);
  exam.Case(
      fmt::format("{}; the last query; keys and values are views of the "
                  "first 4 of {} positions in storage whose rest is NaN",
                  Describe(input), capacity));
  CompareLastQuery(
      exam, "attention.causal_in_storage",
      {input.queries, input.keys, input.values, Integers(), Int(capacity)},
      input);
}

void RefusingAttention(Exam& exam) {
  Random& random = exam.Randomness();
  const AttentionInput input = RandomAttentionInput(random, {.batch = 2,
                                                             .heads = 3,
                                                             .kv_heads = 3,
                                                             .past_len = 0,
                                                             .new_len = 1,
                                                             .head_dim = 8});
  CompareAttention(exam, input);
  exam.Case("");
  const auto refuse = [&](const Array& keys, const Array& values,
                          const Integers& left_pad, const std::string& what) {
    exam.ExpectRefusal("attention.causal",
                       {input.queries, keys, values, left_pad}, what);
  };
  refuse(input.keys, input.values, {0, 0, 0}, "left_pad of 3 rows for batch 2");
  const Array two_heads = RandomArray(random, {2, 2, 1, 8});
  refuse(two_heads, two_heads, {}, "3 query heads on 2 key/value heads");
  const Array no_keys = RandomArray(random, {2, 3, 0, 8});
  refuse(no_keys, no_keys, {}, "fewer keys than queries");
  refuse(input.keys, RandomArray(random, {2, 3, 1, 4}), {},
         "values of another head_dim than the queries");
  refuse(input.keys, RandomArray(random, {2, 3, 2, 8}), {},
         "more values than keys");
}

// --- 1.4 ---

struct Projection {
  ModelShape shape;
  Pair weights = {};
  std::size_t layer = 0;
};

Projection MakeProjection(Exam& exam, std::size_t heads) {
  Random& random = exam.Randomness();
  Projection projection = {.shape = RandomModelShape(random, 8)};
  projection.shape.heads = heads;
  projection.layer = Between(random, 0, projection.shape.layers - 1);
  projection.weights =
      exam.Make("weights.random",
                {RandomSeed(random), projection.shape.Sizes(), std::string()});
  return projection;
}

// One head, so that an error of task 1.2 shows in WholeMultiHead at most.
void ProjectingIn(Exam& exam) {
  const Projection p = MakeProjection(exam, 1);
  const Array x = RandomArray(exam.Randomness(), {2, 5, p.shape.DModel()});
  const Answers answers =
      exam.AskBoth("attention.project_qkv",
                   {p.weights, Int(p.layer), x, Int(p.shape.heads)});
  const std::vector<std::string> names = {"queries", "keys", "values"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    exam.Case(fmt::format("the {} of 5 tokens with one head", names[i]));
    CompareArrays(exam, answers, i, kHeadAxes);
  }
}

void ProjectingOut(Exam& exam) {
  const Projection p = MakeProjection(exam, 1);
  const Array attended =
      RandomArray(exam.Randomness(), {2, p.shape.heads, 5, p.shape.head_dim});
  exam.Case("one head of 5 tokens");
  CompareArrays(exam,
                exam.AskBoth("attention.project_output",
                             {p.weights, Int(p.layer), attended}),
                0, kTokenAxes);
}

void WholeMultiHead(Exam& exam) {
  Random& random = exam.Randomness();
  const Projection p = MakeProjection(exam, Between(random, 2, 4));
  const Array x = RandomArray(random, {2, 6, p.shape.DModel()});
  for (const Integers& left_pad :
       {Integers(), Integers{0, Int(Between(random, 1, 4))}}) {
    exam.Case(fmt::format("6 tokens with {} heads{}", p.shape.heads,
                          left_pad.empty() ? "" : ", padded on the left"));
    CompareArrays(
        exam,
        exam.AskBoth("attention.multi_head", {p.weights, Int(p.layer), x,
                                              Int(p.shape.heads), left_pad}),
        0, kTokenAxes);
  }
}

void RefusingProjections(Exam& exam) {
  ProjectingIn(exam);
  ProjectingOut(exam);
  const Projection p = MakeProjection(exam, 1);
  Random& random = exam.Randomness();
  exam.Case("");
  exam.ExpectRefusal(
      "attention.project_qkv",
      {p.weights, Int(p.layer),
       RandomArray(random, {2, 3, p.shape.DModel() + 1}), Int(p.shape.heads)},
      "x with one feature more than the weights have");
  exam.ExpectRefusal(
      "attention.project_output",
      {p.weights, Int(p.layer),
       RandomArray(random, {2, p.shape.heads, 3, p.shape.head_dim + 1})},
      "heads with one feature more than the weights have");
}

}  // namespace

Checks AttentionChecks() {
  return {
      AllOrNothing("softmax.values", {"tolerance"}, SoftmaxValues),
      AllOrNothing("softmax.large_scores", {"tolerance"}, SoftmaxOfLargeScores),
      AllOrNothing("softmax.masked", {"tolerance"}, SoftmaxOfMaskedScores),
      AllOrNothing("heads.split", {"tolerance"}, SplittingHeads),
      AllOrNothing("heads.merge", {"tolerance"}, MergingHeads),
      AllOrNothing("heads.refusals", {"tolerance"}, RefusingHeads),
      AllOrNothing("causal.full_pass", {"tolerance"}, FullPass),
      AllOrNothing("causal.chunk", {"tolerance"}, ChunkMask),
      AllOrNothing("causal.left_pad", {"tolerance"}, LeftPadding),
      AllOrNothing("causal.grouped", {"tolerance"}, GroupedHeads),
      AllOrNothing("causal.views", {"tolerance"}, ViewsOfStorage),
      AllOrNothing("causal.refusals", {"tolerance"}, RefusingAttention),
      AllOrNothing("multi_head.project", {"tolerance"}, ProjectingIn),
      AllOrNothing("multi_head.output", {"tolerance"}, ProjectingOut),
      AllOrNothing("multi_head.whole", {"tolerance"}, WholeMultiHead),
      AllOrNothing("multi_head.refusals", {"tolerance"}, RefusingProjections),
  };
}

}  // namespace kvlab::grading
