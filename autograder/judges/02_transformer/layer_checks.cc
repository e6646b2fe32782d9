// Module 2, tasks 2.1 to 2.4: layer norm, GELU, MLP, block.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/difference.h"
#include "autograder/exam/inputs.h"
#include "autograder/judges/02_transformer/model_trial.h"
#include "fmt/format.h"
#include "kit/testing/all_pairs.h"

namespace kvlab::grading {
namespace {

// --- 2.1 ---

struct NormInput {
  Array x;       // [batch, positions, features]
  Array weight;  // [features]
  Array bias;    // [features]
  double epsilon = 0;
};

NormInput RandomNormInput(Random& random, std::size_t features, float size,
                          double epsilon) {
  NormInput input = {.x = RandomArray(random, {2, 4, features}, size),
                     .weight = RandomArray(random, {features}),
                     .bias = RandomArray(random, {features}),
                     .epsilon = epsilon};
  for (float& x : input.x.values) x += 0.5F * size;  // the mean is not 0
  return input;
}

// Layer norm with a scale of one's own, from the sum of squares around the
// mean.
template <typename Scale>
Array NormWith(const NormInput& input, Scale scale) {
  const std::size_t features = input.weight.values.size();
  Array out = input.x;
  for (std::size_t start = 0; start < out.values.size(); start += features) {
    float* row = &out.values[start];
    double mean = 0;
    for (std::size_t d = 0; d < features; ++d) mean += row[d];
    mean /= static_cast<double>(features);
    double squares = 0;
    for (std::size_t d = 0; d < features; ++d) {
      squares += (row[d] - mean) * (row[d] - mean);
    }
    const double factor = scale(squares, static_cast<double>(features));
    for (std::size_t d = 0; d < features; ++d) {
      row[d] =
          static_cast<float>((row[d] - mean) * factor * input.weight.values[d] +
                             input.bias.values[d]);
    }
  }
  return out;
}

std::string RecogniseNorm(const Array& answer, const NormInput& input,
                          double tolerance) {
  const double epsilon = input.epsilon;
  if (Agree(answer,
            NormWith(input,
                     [&](double squares, double n) {
                       return 1 / std::sqrt(squares / (n - 1) + epsilon);
                     }),
            tolerance)) {
    return "the variance is divided by d_model - 1; the header divides by "
           "d_model";
  }
  if (Agree(answer,
            NormWith(input,
                     [&](double squares, double n) {
                       return 1 / (std::sqrt(squares / n) + epsilon);
                     }),
            tolerance)) {
    return "epsilon is added to the standard deviation; the header adds it to "
           "the variance";
  }
  if (Agree(
          answer,
          NormWith(input, [](double squares,
                             double n) { return 1 / std::sqrt(squares / n); }),
          tolerance)) {
    return "epsilon is not added";
  }
  if (Agree(answer,
            NormWith(input,
                     [&](double squares, double n) {
                       return 1 / std::sqrt(squares / n + 1e-5);
                     }),
            tolerance)) {
    return "this is an epsilon of 1e-5 whatever epsilon is passed";
  }
  return "";
}

void CompareNorm(Exam& exam, const NormInput& input) {
  const Answers answers =
      exam.AskBoth("transformer.layer_norm",
                   {input.x, input.weight, input.bias, input.epsilon});
  CompareArrays(exam, answers, 0, kTokenAxes, [&](const Array& answer) {
    return RecogniseNorm(answer, input, exam.Setting("tolerance"));
  });
}

void NormValues(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t features :
       {Between(random, 4, 6), std::size_t{24}, std::size_t{1},
        Between(random, 9, 15), std::size_t{33}, Between(random, 65, 300),
        Between(random, 1025, 1600)}) {
    exam.Case(fmt::format("2 x 4 tokens of {}", Count(features, "feature")));
    CompareNorm(exam, RandomNormInput(random, features, 2.0F, 1e-6));
  }
  const std::size_t many = Between(random, 260, 300);
  for (const auto& [batch, seq_len, features] :
       std::vector<std::array<std::size_t, 3>>{{Between(random, 5, 9), 3, 5},
                                               {1, many, 5},
                                               {many, 1, 5},
                                               {1, 70, many},
                                               {many, 2, many}}) {
    NormInput input = RandomNormInput(random, features, 2.0F, 1e-6);
    input.x = RandomArray(random, {batch, seq_len, features}, 2.0F);
    exam.Case(
        fmt::format("{} x {} tokens of {} features", batch, seq_len, features));
    CompareNorm(exam, input);
  }
}

// Features of a token that lie around 1000, not around 0. The mean square is
// 1e6 then, and float32 there has steps of 0.06: what is left of it after
// subtracting the squared mean is noise beside a variance of 1/3.
void NormFarFromZero(Exam& exam) {
  Random& random = exam.Randomness();
  for (const float mean : {1000.0F, -1000.0F}) {
    NormInput input =
        RandomNormInput(random, Between(random, 16, 24), 1.0F, 1e-6);
    for (float& x : input.x.values) x += mean;
    exam.Case(fmt::format("features around {}, of variance 1/3", mean));
    const Answers answers =
        exam.AskBoth("transformer.layer_norm",
                     {input.x, input.weight, input.bias, input.epsilon});
    CompareArrays(exam, answers, 0, kTokenAxes, [&](const Array& answer) {
      const std::string hint =
          RecogniseNorm(answer, input, exam.Setting("tolerance"));
      return hint.empty()
                 ? "is the variance the mean square minus the squared mean? "
                   "Those are two numbers near a million here, and their "
                   "difference has lost its digits: subtract the mean first"
                 : hint;
    });
  }
}

// The variance is far below epsilon, so its formula hardly matters.
void NormEpsilon(Exam& exam) {
  exam.Case("features that hardly differ, epsilon 0.5");
  CompareNorm(exam, RandomNormInput(exam.Randomness(), 8, 0.02F, 0.5));
  exam.Case("features that are all equal");
  NormInput equal = RandomNormInput(exam.Randomness(), 8, 1.0F, 1e-5);
  std::ranges::fill(equal.x.values, 0.75F);
  CompareNorm(exam, equal);
}

void NormRefusals(Exam& exam) {
  Random& random = exam.Randomness();
  const NormInput input = RandomNormInput(random, 6, 0.02F, 0.5);
  exam.Case("2 x 4 tokens of 6 features");
  CompareNorm(exam, input);
  exam.Case("");
  const Array seven = RandomArray(random, {7});
  exam.ExpectRefusal("transformer.layer_norm",
                     {input.x, seven, input.bias, input.epsilon},
                     "a weight of 7 for 6 features");
  exam.ExpectRefusal("transformer.layer_norm",
                     {input.x, input.weight, seven, input.epsilon},
                     "a bias of 7 for 6 features");
}

// --- 2.2 ---

template <typename Function>
Array OfEach(Array array, Function function) {
  for (float& value : array.values) {
    value = static_cast<float>(function(double{value}));
  }
  return array;
}

// How many numbers of `answer` are wrong and just what went in.
std::size_t LeftAsTheyWere(const Array& answer, const Array& right,
                           const Array& x, double tolerance) {
  std::size_t left = 0;
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    const double off = std::abs(double{answer.values[i]} - right.values[i]);
    if (off <= tolerance * (1 + std::abs(right.values[i]))) continue;
    if (answer.values[i] != x.values[i]) return 0;
    ++left;
  }
  return left;
}

std::string RecogniseGelu(const Array& answer, const Array& right,
                          const Array& x, double tolerance) {
  const auto is = [&](auto function) {
    return Agree(answer, OfEach(x, function), tolerance);
  };
  if (is([](double v) {
        return 0.5 * v * (1 + std::erf(v / std::numbers::sqrt2));
      })) {
    return "this is the exact form, with erf; the header asks for the tanh "
           "form";
  }
  const double scale = std::sqrt(2 / std::numbers::pi);
  if (is([&](double v) { return 0.5 * v * (1 + std::tanh(scale * v)); })) {
    return "the cubic term, 0.044715 x^3, is left out";
  }
  if (is([](double v) { return v / (1 + std::exp(-1.702 * v)); })) {
    return "this is x times a sigmoid of 1.702 x; the header asks for the tanh "
           "form";
  }
  const std::size_t left = LeftAsTheyWere(answer, right, x, tolerance);
  if (left == 0) return "";
  return fmt::format(
      "{} of {} numbers came back as they went in: a vector's last few, or a "
      "buffer's end?",
      left, x.values.size());
}

void CompareGelu(Exam& exam, const Array& x) {
  const Answers answers = exam.AskBoth("transformer.gelu", {x});
  const Array& right = exam.Get<Array>(answers.reference, 0);
  CompareArrays(exam, answers, 0, kListAxes, [&](const Array& answer) {
    return RecogniseGelu(answer, right, x, exam.Setting("tolerance"));
  });
}

void GeluValues(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t count :
       {Between(random, 1, 9), Between(random, 500, 700), std::size_t{1},
        std::size_t{255}, std::size_t{257}, Between(random, 1025, 2000),
        Between(random, 4097, 9000)}) {
    exam.Case(fmt::format("{} between -5 and 5", Count(count, "number")));
    CompareGelu(exam, RandomArray(random, {count}, 5.0F));
  }
}

void GeluFarOut(Exam& exam) {
  exam.Case("numbers as large as 1000 and as small as -1000");
  Array x = RandomArray(exam.Randomness(), {40}, 1000.0F);
  x.values[0] = 1000.0F;
  x.values[1] = -1000.0F;
  x.values[2] = 0.0F;
  const Answers answers = exam.AskBoth("transformer.gelu", {x});
  CompareArrays(exam, answers, 0, kListAxes);
}

// --- 2.3 ---

void MlpOf(Exam& exam, const std::string& variant) {
  Random& random = exam.Randomness();
  struct Case {
    std::size_t batch = 0;
    std::size_t seq_len = 0;
    std::size_t d_mlp = 0;    // 0: 4 * d_model
    std::size_t d_model = 0;  // 0: that of a random shape
  };
  for (const auto& [batch, seq_len, d_mlp, d_model] : std::vector<Case>{
           {2, 5, 0},
           {2, 3, 9, Between(random, 260, 300)},
           {1, 70, 270, Between(random, 66, 90)},
           {Between(random, 5, 9), 3, 2 * Between(random, 3, 9) + 1},
           {1, Between(random, 65, 150), Between(random, 4, 6)},
           {Between(random, 260, 300), 2, 7},
           {2, 1, Between(random, 200, 300)}}) {
    Gpt2Sizes shape = RandomGpt2Sizes(random, 8);
    shape.d_mlp = d_mlp;
    if (d_model != 0) {
      shape.heads = 1;
      shape.head_dim = d_model;
    }
    const TrialModel model = MakeModel(exam, shape, variant);
    const std::size_t layer = Between(random, 0, shape.layers - 1);
    const Array x = RandomArray(random, {batch, seq_len, shape.DModel()});
    exam.Case(
        fmt::format("{} x {} tokens of {} features, {} between the two "
                    "products",
                    batch, seq_len, shape.DModel(), shape.DMlp()));
    CompareArrays(
        exam, exam.AskBoth("transformer.mlp", {model.weights, Int(layer), x}),
        0, kTokenAxes);
  }
}

void MlpProducts(Exam& exam) { MlpOf(exam, "linear_mlp"); }

void MlpActivation(Exam& exam) { MlpOf(exam, ""); }

void MlpRefusals(Exam& exam) {
  MlpProducts(exam);
  const TrialModel model = MakeModel(exam, 8, "");
  exam.Case("");
  exam.ExpectRefusal(
      "transformer.mlp",
      {model.weights, std::int64_t{0},
       RandomArray(exam.Randomness(), {2, 3, model.shape.DModel() + 1})},
      "x with one feature more than the weights have");
}

// --- 2.4 ---

struct BlockAnswers {
  Answers answers;
  Pair weights;
  std::size_t layer = 0;
  Array x;
  Integers left_pad;
};

BlockAnswers AskBlock(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialModel model = MakeModel(exam, 8, "linear_mlp");
  const std::size_t layer = Between(random, 1, model.shape.layers - 1);
  const Array x = RandomArray(random, {2, 5, model.shape.DModel()});
  const Integers left_pad = {0, Int(Between(random, 1, 3))};
  exam.Case(fmt::format("layer {} on 2 x 5 tokens", layer));
  return {.answers = exam.AskBoth("transformer.block",
                                  {model.weights, Int(layer), x, left_pad}),
          .weights = model.weights,
          .layer = layer,
          .x = x,
          .left_pad = left_pad};
}

// one + factor * other
Array Sum(Array one, const Array& other, float factor = 1) {
  for (std::size_t i = 0; i < one.values.size(); ++i) {
    one.values[i] += factor * other.values[i];
  }
  return one;
}

std::string RecogniseBlock(Exam& exam, const BlockAnswers& block,
                           const Array& answer) {
  const Array& right = exam.Get<Array>(block.answers.reference, 0);
  const Array& attended = exam.Get<Array>(block.answers.reference, 4);
  const Values branch = exam.AskReference(
      "transformer.mlp_branch", {block.weights, Int(block.layer), block.x});
  const auto is = [&](const Array& wrong) {
    return Agree(answer, wrong, exam.Setting("tolerance"));
  };
  if (is(Sum(Sum(block.x, attended), exam.Get<Array>(branch, 0)))) {
    return "the second norm and the MLP read the block's input; they read what "
           "attention has already added to";
  }
  if (is(Sum(right, attended, -1))) {
    return "attention's output is missing from the sum: the second residual "
           "starts from x plus that, not from the block's input";
  }
  if (is(Sum(right, block.x, -1))) {
    return "the block's input is missing from the sum: the first residual is x "
           "plus what attention answered";
  }
  if (is(Sum(Sum(right, block.x, -1), attended, -1))) {
    return "this is the MLP's output alone: the second residual is "
           "missing";
  }
  return "";
}

void BlockValues(Exam& exam) {
  const BlockAnswers block = AskBlock(exam);
  CompareArrays(exam, block.answers, 0, kTokenAxes, [&](const Array& answer) {
    return RecogniseBlock(exam, block, answer);
  });
}

// Epsilons other than 1e-5, the MLP's width other than 4 * d_model, many rows
// and tokens: each with each, as far as one block goes.
void BlockCombined(Exam& exam) {
  Random& random = exam.Randomness();
  const std::array<std::array<std::size_t, 2>, 4> tokens = {
      {{2, 5}, {6, 1}, {1, 70}, {Between(random, 260, 300), 2}}};
  const std::array<double, 3> epsilons = {0.5, 1e-5, 0.05};
  for (const std::vector<std::size_t>& row : AllPairs(
           std::array<std::size_t, 3>{tokens.size(), epsilons.size(), 3})) {
    Gpt2Sizes shape = RandomGpt2Sizes(random, 8);
    if (row[2] == 1) shape.d_mlp = shape.DModel();
    if (row[2] == 2) shape.d_mlp = 3 * shape.DModel() + 1;
    const TrialModel model =
        MakeModel(exam, shape, "linear_mlp", epsilons.at(row[1]));
    const auto [batch, seq_len] = tokens.at(row[0]);
    const std::size_t layer = Between(random, 0, shape.layers - 1);
    const Array x = RandomArray(random, {batch, seq_len, shape.DModel()});
    Integers left_pad(batch, 0);
    left_pad.back() = Int(seq_len / 2);
    exam.Case(fmt::format(
        "layer {} on {} x {} tokens, epsilon {}, d_model {}, d_mlp {}", layer,
        batch, seq_len, epsilons.at(row[1]), shape.DModel(), shape.DMlp()));
    const Question question = {model.weights, Int(layer), x, left_pad};
    const Answers answers = exam.AskBoth("transformer.block", question);
    const Array& answer = exam.Get<Array>(answers.student, 0);
    const auto with_default_epsilon = [&](const Array& wrong) -> std::string {
      const Values weights =
          exam.AskReference("weights.with_epsilon", {model.weights, 1e-5});
      const Values other = exam.AskReference(
          "transformer.block",
          {Pair{.student = {}, .reference = exam.Get<Handle>(weights, 0)},
           Int(layer), x, left_pad});
      return Agree(wrong, exam.Get<Array>(other, 0), exam.Setting("tolerance"))
                 ? "this is a block whose norms use an epsilon of 1e-5; Block "
                   "is given another one"
                 : "";
    };
    CompareArrays(exam, answer, exam.Get<Array>(answers.reference, 0),
                  kTokenAxes, with_default_epsilon);
  }
}

void BlockSeam(Exam& exam) {
  const BlockAnswers block = AskBlock(exam);
  const Integers& layers = exam.GetIntegers(block.answers.student, 2, 0);
  CompareNumber(exam, "the number of calls of attention.Forward",
                Int(layers.size()), 1);
  CompareNumber(exam, "the layer that attention was asked for", layers[0],
                Int(block.layer));
  if (exam.Get<Integers>(block.answers.student, 3) != block.left_pad) {
    exam.Fail("attention was not given the block's left_pad");
  }
  exam.Case(fmt::format("what attention was given for layer {}", block.layer));
  CompareArrays(exam, block.answers, 1, kTokenAxes);
}

const RegisterChecks kLayerChecks({
    AllOrNothing("layer_norm.values", {"tolerance"}, NormValues),
    AllOrNothing("layer_norm.far_from_zero", {"tolerance"}, NormFarFromZero),
    AllOrNothing("layer_norm.epsilon", {"tolerance"}, NormEpsilon),
    AllOrNothing("layer_norm.refusals", {"tolerance"}, NormRefusals),
    AllOrNothing("gelu.values", {"tolerance"}, GeluValues),
    AllOrNothing("gelu.far_out", {"tolerance"}, GeluFarOut),
    AllOrNothing("mlp.products", {"tolerance"}, MlpProducts),
    AllOrNothing("mlp.activation", {"tolerance"}, MlpActivation),
    AllOrNothing("mlp.refusals", {"tolerance"}, MlpRefusals),
    AllOrNothing("block.values", {"tolerance"}, BlockValues),
    AllOrNothing("block.combined", {"tolerance"}, BlockCombined),
    AllOrNothing("block.seam", {"tolerance"}, BlockSeam),
});

}  // namespace

}  // namespace kvlab::grading
