// Module 1, tasks 1.1 to 1.4.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/difference.h"
#include "autograder/exam/inputs.h"
#include "autograder/exam/work_trial.h"
#include "autograder/judges/01_attention/attention_input.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// --- 1.1 ---

// Rows of `cols` scores in storage of `stride` columns: the memory after a row
// belongs to other data.
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

// Sizes after which a fixed buffer or a block of rows would end.
void SoftmaxSizes(Exam& exam) {
  Random& random = exam.Randomness();
  const std::vector<std::array<std::size_t, 2>> shapes = {
      {3, Between(random, 1030, 1300)}, {Between(random, 65, 300), 5},
      {2, Between(random, 65, 250)},    {2, 1},
      {1, Between(random, 2050, 2500)}, {Between(random, 513, 700), 3}};
  for (const auto& [rows, cols] : shapes) {
    exam.Case(fmt::format("{} rows of {}", rows, Count(cols, "score")));
    // Scores so far apart that the largest of 2,500 probabilities are of size
    // 0.01, far above the tolerance.
    CompareSoftmax(exam, RandomArray(random, {rows, cols}, 9.0F), cols);
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
  Array extreme = {
      .shape = {2, 3},
      .values = {-kInfinity, std::numeric_limits<float>::lowest(), -kInfinity,
                 0.0F, -1.0F, std::numeric_limits<float>::max()}};
  exam.Case("the largest and the smallest scores that a float can be");
  CompareSoftmax(exam, extreme, 3);
  for (const std::size_t rows : {10, 70, 270}) {
    Array many = RandomArray(exam.Randomness(), {rows, 5}, 9.0F);
    for (std::size_t i = 0; i < many.values.size(); ++i) {
      many.values[i] += i % 2 == 0 ? 1000.0F : 990.0F;
    }
    exam.Case(fmt::format("{} rows of scores around 1000", rows));
    CompareSoftmax(exam, many, 5);
  }
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

  const std::size_t many = Between(random, 1030, 1300);
  Array padded = {.shape = {2, many},
                  .values = std::vector<float>(2 * many, -kInfinity)};
  for (std::size_t row = 0; row < 2; ++row) {
    for (std::size_t col = many - 3 - row; col < many; ++col) {
      padded.values[row * many + col] = random.NextUniform(-4.0F, 4.0F);
    }
  }
  exam.Case(
      fmt::format("rows of {} scores, all but the last few of which are "
                  "-infinity, as those of a padded row",
                  many));
  CompareSoftmax(exam, padded, many);

  const std::size_t rows = Between(random, 260, 300);
  exam.Case(fmt::format("{} rows of {} scores, all of which are -infinity",
                        rows, cols));
  CompareSoftmax(exam,
                 {.shape = {rows, cols},
                  .values = std::vector<float>(rows * cols, -kInfinity)},
                 cols);

  Array lonely = {.shape = {cols, cols},
                  .values = std::vector<float>(cols * cols, -kInfinity)};
  for (std::size_t row = 0; row < cols; ++row) {
    lonely.values[row * cols + row] = random.NextUniform(-4.0F, 4.0F);
  }
  exam.Case(
      "rows in which one score is a number and all others are -infinity: at "
      "the "
      "first place, at the last, and at each between");
  CompareSoftmax(exam, lonely, cols);
}

// --- 1.2 ---

struct HeadSizes {
  std::size_t batch = 0;
  std::size_t heads = 0;
  std::size_t seq_len = 0;
  std::size_t head_dim = 0;
};

// A plain case first; then many rows, heads and tokens, and odd head_dims.
std::vector<HeadSizes> RandomHeadSizes(Random& random) {
  return {{2, Between(random, 2, 4), Between(random, 5, 7), 8},
          {Between(random, 5, 8), 2, 3, 1 + 2 * Between(random, 1, 6)},
          {1, Between(random, 9, 15), Between(random, 65, 300), 1},
          {2, Between(random, 17, 33), 1, 2 * Between(random, 1, 3)},
          {Between(random, 65, 70), 1, 2, 33},
          {Between(random, 260, 300), 2, 2, 3},
          {2, Between(random, 260, 300), 2, 3},
          {2, 2, 3, Between(random, 260, 300)},
          {Between(random, 260, 280), Between(random, 260, 280), 2, 2},
          {10, 10, Between(random, 260, 280), 2},
          {10, 2, 10, Between(random, 260, 280)},
          {Between(random, 260, 280), 2, 2, Between(random, 260, 280)},
          {2, Between(random, 260, 280), 70, 2}};
}

void SplittingHeads(Exam& exam) {
  Random& random = exam.Randomness();
  for (const auto& [batch, heads, seq_len, head_dim] :
       RandomHeadSizes(random)) {
    const Array x = RandomArray(random, {batch, seq_len, heads * head_dim});
    exam.Case(fmt::format("{} features cut into {}, {} x {} tokens",
                          heads * head_dim, Count(heads, "head"), batch,
                          seq_len));
    CompareArrays(exam, exam.AskBoth("attention.split_heads", {x, Int(heads)}),
                  0, kHeadAxes);
  }
}

void MergingHeads(Exam& exam) {
  Random& random = exam.Randomness();
  for (const auto& [batch, heads, seq_len, head_dim] :
       RandomHeadSizes(random)) {
    const Array x = RandomArray(random, {batch, heads, seq_len, head_dim});
    exam.Case(fmt::format("{} of {} merged, {} x {} tokens",
                          Count(heads, "head"), Count(head_dim, "feature"),
                          batch, seq_len));
    CompareArrays(exam, exam.AskBoth("attention.merge_heads", {x}), 0,
                  kTokenAxes);
  }
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

// The last query of a full pass sees all keys, whatever the mask.
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

// As CompareArrays, with a tolerance for many keys.
void CompareLarge(Exam& exam, const Answers& answers,
                  const AttentionInput& input) {
  const double tolerance = ToleranceFor(input.sizes, exam.Setting("tolerance"));
  const Array& answer = exam.Get<Array>(answers.student, 0);
  const Array& right = exam.Get<Array>(answers.reference, 0);
  const auto difference = Difference(answer, right, tolerance, kHeadAxes);
  if (!difference) return;
  const std::string hint = answer.shape == right.shape
                               ? RecogniseMistake(answer, input, tolerance)
                               : "";
  exam.Fail(hint.empty() ? *difference : *difference + "; " + hint);
}

void SizesOfAttention(Exam& exam) {
  for (const AttentionInput& input : LargeAttentionInputs(exam.Randomness())) {
    exam.Case(Describe(input));
    CompareLarge(
        exam,
        exam.AskBoth("attention.causal", {input.queries, input.keys,
                                          input.values, Ints(input.left_pad)}),
        input);
  }
}

void CombinedAttention(Exam& exam) {
  Random& random = exam.Randomness();
  for (const auto& [input, in_storage] : CombinedAttentionInputs(random)) {
    exam.Case(
        Describe(input) +
        (in_storage ? "; keys and values are views of larger storage" : ""));
    const Integers left_pad = Ints(input.left_pad);
    const std::int64_t capacity =
        Int(input.keys.shape[2] + Between(random, 1, 9));
    CompareLarge(
        exam,
        in_storage
            ? exam.AskBoth(
                  "attention.causal_in_storage",
                  {input.queries, input.keys, input.values, left_pad, capacity})
            : exam.AskBoth("attention.causal",
                           {input.queries, input.keys, input.values, left_pad}),
        input);
  }
}

// Of what came back only a single query without padding is compared, so that an
// error of the mask, of padding or of grouped heads costs no points here.
void WorkOfAttention(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t past_len : {std::size_t{0}, Between(random, 3, 9)}) {
    for (const std::size_t new_len : {std::size_t{1}, Between(random, 4, 8)}) {
      const bool plain = past_len == 0 && new_len == 1;
      AttentionInput input =
          RandomAttentionInput(random, {.batch = 2,
                                        .heads = 4,
                                        .kv_heads = plain ? 4U : 2U,
                                        .past_len = past_len,
                                        .new_len = new_len,
                                        .head_dim = 8});
      if (past_len > 0) input.left_pad = {0, Between(random, 1, 3)};
      exam.Case(Describe(input));
      const Question question = {input.queries, input.keys, input.values,
                                 Ints(input.left_pad)};
      Answers answers = {
          .student = {},
          .reference = exam.AskReference("attention.causal", question)};
      CountedWork work(exam);
      answers.student = exam.AskStudent("attention.causal", question);
      const Integers macs = work.Macs();
      if (plain) CompareLarge(exam, answers, input);
      CompareNoOtherWork(exam, macs, WorkKind::kAttention);
      const auto [least, most] = WorkOf(input);
      CompareWork(exam, macs, WorkKind::kAttention,
                  {.least = least, .most = most});
    }
  }
}

// Moves all scores of the first row by 51, of the second by -51: softmax does
// not change, but a maximum of one row is of no use for the other, since e^102
// is beyond float32.
void MoveScoresApart(AttentionInput& input) {
  const std::size_t head_dim = input.sizes.head_dim;
  std::vector<float>& queries = input.queries.values;
  std::vector<float>& keys = input.keys.values;
  for (std::size_t i = 0; i < queries.size(); i += head_dim) {
    queries[i] = i < queries.size() / 2 ? 9 : -9;
  }
  for (std::size_t i = 0; i < keys.size(); i += head_dim) keys[i] = 16;
}

// Each batch row is a call of its own, all at the same time. A call takes
// longer than a busy machine lets a thread run in one go, so that they meet on
// a single core as well.
void AttentionAtOnce(Exam& exam) {
  Random& random = exam.Randomness();
  AttentionInput input =
      RandomAttentionInput(random, {.batch = 2,
                                    .heads = 4,
                                    .kv_heads = 4,
                                    .past_len = 0,
                                    .new_len = Between(random, 450, 550),
                                    .head_dim = 8});
  MoveScoresApart(input);
  const std::string about =
      "; two threads, each with one row, call again and again at the same time";
  exam.Case(Describe(input) + about);
  const Values answer =
      exam.AskStudent("attention.causal_at_once",
                      {input.queries, input.keys, input.values, Int(25)});
  const Array right = SlowAttention(input, Mistake::kNone);
  for (const std::size_t index : {0, 1}) {
    const auto difference = Difference(
        exam.Get<Array>(answer, index), right,
        ToleranceFor(input.sizes, exam.Setting("tolerance")), kHeadAxes);
    if (difference) {
      exam.Fail(*difference +
                "; a buffer that is static or global is one for all threads");
    }
  }
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
  CompareAttention(exam, input);
}

// --- 1.4 ---

struct Projection {
  Gpt2Sizes shape;
  Pair weights = {};
  std::size_t layer = 0;
};

Projection MakeProjection(Exam& exam, const Gpt2Sizes& shape) {
  Random& random = exam.Randomness();
  Projection projection = {.shape = shape};
  projection.layer = Between(random, 0, projection.shape.layers - 1);
  projection.weights =
      exam.Make("weights.random",
                {RandomSeed(random), projection.shape.Sizes(), std::string()});
  return projection;
}

Gpt2Sizes WithHeads(Random& random, std::size_t heads) {
  Gpt2Sizes shape = RandomGpt2Sizes(random, 8);
  shape.heads = heads;
  return shape;
}

// What is projected: a plain case first, then many rows and tokens, and widths
// that no vector's width divides. One head, so that an error of task 1.2 shows
// in WholeMultiHead at most.
struct ProjectionCase {
  Gpt2Sizes shape;
  std::size_t batch = 0;
  std::size_t seq_len = 0;
};

std::vector<ProjectionCase> ProjectionCases(Random& random) {
  std::vector<ProjectionCase> cases = {
      {WithHeads(random, 1), 2, 5},
      {WithHeads(random, 1), Between(random, 5, 8), 3},
      {WithHeads(random, 1), 1, Between(random, 65, 300)},
      {WithHeads(random, 1), Between(random, 260, kMostHeadsOfRows), 2},
      {WithHeads(random, 1), 10, Between(random, 260, 280)}};
  cases[1].shape.head_dim = 1 + 2 * Between(random, 3, 9);
  cases[2].shape.head_dim = 33;
  return cases;
}

void ProjectingIn(Exam& exam) {
  const std::vector<std::string> names = {"queries", "keys", "values"};
  for (const auto& [shape, batch, seq_len] :
       ProjectionCases(exam.Randomness())) {
    const Projection p = MakeProjection(exam, shape);
    const Array x =
        RandomArray(exam.Randomness(), {batch, seq_len, shape.DModel()});
    exam.Case(fmt::format("{} x {} tokens with one head of {} features", batch,
                          seq_len, shape.head_dim));
    const Answers answers =
        exam.AskBoth("attention.project_qkv",
                     {p.weights, Int(p.layer), x, Int(shape.heads)});
    for (std::size_t i = 0; i < names.size(); ++i) {
      exam.Case(
          fmt::format("the {} of {} x {} tokens with one head of {} features",
                      names[i], batch, seq_len, shape.head_dim));
      CompareArrays(exam, answers, i, kHeadAxes);
    }
  }
}

void ProjectingOut(Exam& exam) {
  for (const auto& [shape, batch, seq_len] :
       ProjectionCases(exam.Randomness())) {
    const Projection p = MakeProjection(exam, shape);
    const Array attended = RandomArray(
        exam.Randomness(), {batch, shape.heads, seq_len, shape.head_dim});
    exam.Case(fmt::format("one head of {} x {} tokens", batch, seq_len));
    CompareArrays(exam,
                  exam.AskBoth("attention.project_output",
                               {p.weights, Int(p.layer), attended}),
                  0, kTokenAxes);
  }
}

void WholeMultiHead(Exam& exam) {
  Random& random = exam.Randomness();
  std::vector<ProjectionCase> cases = {
      {WithHeads(random, Between(random, 2, 4)), 2, 6},
      {WithHeads(random, Between(random, 9, 11)), 3, 7},
      {WithHeads(random, Between(random, 17, 26)), 1, 3},
      {WithHeads(random, 2), Between(random, 5, 8), 4},
      {WithHeads(random, 3), 2, Between(random, 65, 100)},
      {WithHeads(random, 1), Between(random, 260, kMostHeadsOfRows), 10},
      {WithHeads(random, 260), 1, 3},
      {WithHeads(random, 3), 10, 10},
      {WithHeads(random, 3), 2, Between(random, 260, 280)}};
  cases[6].shape.head_dim = 1;
  cases[1].shape.head_dim = 5;
  cases[2].shape.head_dim = 1;
  cases[4].shape.head_dim = 7;
  for (const auto& [shape, batch, seq_len] : cases) {
    const Projection p = MakeProjection(exam, shape);
    const Array x = RandomArray(random, {batch, seq_len, shape.DModel()});
    Integers padded(batch, 0);
    padded.back() = Int(Between(random, 1, seq_len - 2));
    for (const Integers& left_pad : {Integers(), padded}) {
      exam.Case(fmt::format("{} x {} tokens with {} of {}{}", batch, seq_len,
                            Count(shape.heads, "head"),
                            Count(shape.head_dim, "feature"),
                            left_pad.empty() ? "" : ", padded on the left"));
      CompareArrays(
          exam,
          exam.AskBoth("attention.multi_head", {p.weights, Int(p.layer), x,
                                                Int(shape.heads), left_pad}),
          0, kTokenAxes);
    }
  }
}

// Both projections are one product over all tokens of the call.
void CompareProjectionWork(Exam& exam, const std::string& operation,
                           const Question& question, WorkKind kind,
                           std::size_t expected) {
  Answers answers = {.student = {},
                     .reference = exam.AskReference(operation, question)};
  CountedWork work(exam);
  answers.student = exam.AskStudent(operation, question);
  const Integers macs = work.Macs();
  CompareArrays(exam, answers, 0,
                kind == WorkKind::kQkv ? kHeadAxes : kTokenAxes);
  CompareNoOtherWork(exam, macs, kind);
  CompareWork(exam, macs, kind, {.least = expected, .most = expected});
}

void WorkOfProjections(Exam& exam) {
  Random& random = exam.Randomness();
  const Projection p = MakeProjection(exam, WithHeads(random, 1));
  const std::size_t width = p.shape.DModel();
  constexpr std::size_t kTokens = 2 * 5;
  exam.Case("queries, keys and values of 2 x 5 tokens");
  CompareProjectionWork(exam, "attention.project_qkv",
                        {p.weights, Int(p.layer),
                         RandomArray(random, {2, 5, width}), std::int64_t{1}},
                        WorkKind::kQkv, kTokens * width * 3 * width);
  exam.Case("the output of 2 x 5 tokens");
  CompareProjectionWork(
      exam, "attention.project_output",
      {p.weights, Int(p.layer), RandomArray(random, {2, 1, 5, width})},
      WorkKind::kProjection, kTokens * width * width);
}

void RefusingProjections(Exam& exam) {
  ProjectingIn(exam);
  ProjectingOut(exam);
  Random& random = exam.Randomness();
  const Projection p = MakeProjection(exam, WithHeads(random, 1));
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

const RegisterChecks kAttentionChecks({
    AllOrNothing("softmax.values", {"tolerance"}, SoftmaxValues),
    AllOrNothing("softmax.sizes", {"tolerance"}, SoftmaxSizes),
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
    AllOrNothing("causal.sizes", {"tolerance"}, SizesOfAttention),
    AllOrNothing("causal.combined", {"tolerance"}, CombinedAttention),
    AllOrNothing("causal.work", {"tolerance"}, WorkOfAttention),
    AllOrNothing("causal.at_once", {"tolerance"}, AttentionAtOnce),
    AllOrNothing("causal.refusals", {"tolerance"}, RefusingAttention),
    AllOrNothing("multi_head.project", {"tolerance"}, ProjectingIn),
    AllOrNothing("multi_head.output", {"tolerance"}, ProjectingOut),
    AllOrNothing("multi_head.whole", {"tolerance"}, WholeMultiHead),
    AllOrNothing("multi_head.work", {"tolerance"}, WorkOfProjections),
    AllOrNothing("multi_head.refusals", {"tolerance"}, RefusingProjections),
});

}  // namespace

}  // namespace kvlab::grading
