// Module 2, task 2.5: GPT-2 as a whole.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/difference.h"
#include "autograder/exam/inputs.h"
#include "autograder/exam/work_trial.h"
#include "autograder/judges/02_transformer/model_trial.h"
#include "fmt/format.h"
#include "kit/testing/all_pairs.h"

namespace kvlab::grading {
namespace {

// All positions of the whole sequence in one pass.
void CompareWholeForward(Exam& exam, const TrialModel& model,
                         const TrialTokens& tokens) {
  CompareForwards(exam, model.model.student, tokens,
                  ReferenceLogits(exam, model, tokens), {tokens.SeqLen()});
}

// Positions look alike, so an error in them fails ForwardPositions only.
void ForwardLogits(Exam& exam) {
  const TrialModel model = MakeModel(exam, 16, "no_positions linear_mlp");
  for (const std::size_t batch : {1, 3}) {
    CompareWholeForward(exam, model, RandomTrialTokens(exam, model, batch, 7));
  }
}

// The last of `total_len` tokens of a padded batch, by a model whose attention
// has seen the ones before them.
void ComparePositionsAfter(Exam& exam, const TrialModel& model,
                           std::size_t past_len, std::size_t total_len = 9) {
  TrialTokens tokens = RandomTrialTokens(exam, model, 2, total_len);
  tokens.left_pad = {0, Int(total_len > 99 ? Between(exam.Randomness(), 66, 200)
                                           : Between(exam.Randomness(), 1, 3))};
  const Array expected = ReferenceLogits(exam, model, tokens);
  const Values made =
      exam.AskStudent("model.with_past", {model.weights, Int(past_len)});
  const Values answer = exam.AskStudent(
      "model.forward",
      ForwardQuestion({exam.Get<Handle>(made, 0), {}},
                      tokens.Part(past_len, total_len), Positions::kAll));
  exam.Case(
      fmt::format("batch 2, one row padded, {} after {} that attention "
                  "has seen",
                  Count(total_len - past_len, "token"), past_len));
  CompareArrays(exam, exam.Get<Array>(answer, 0),
                Slice(expected, 1, past_len, total_len), kLogitAxes);
}

// Attention adds nothing: what differs between positions is wpe's doing.
void ForwardPositions(Exam& exam) {
  const TrialModel model = MakeModel(exam, 16, "no_attention linear_mlp");
  CompareWholeForward(exam, model, RandomTrialTokens(exam, model, 2, 9));
  ComparePositionsAfter(exam, model, 8);
  ComparePositionsAfter(exam, model, 5);
  // After hundreds, one token and some.
  const std::size_t many = Between(exam.Randomness(), 260, 280);
  const TrialModel large = MakeModel(exam, many, "no_attention linear_mlp");
  ComparePositionsAfter(exam, large, many - 1, many);
  ComparePositionsAfter(exam, large, 257, many);
}

// What a cache needs to find its rows.
void ForwardLayers(Exam& exam) {
  const TrialModel model = MakeModel(exam, 8, "");
  TrialTokens tokens = RandomTrialTokens(exam, model, 2, 4);
  tokens.left_pad = {0, 1};
  const Values answer = exam.AskStudent(
      "model.layers_asked",
      {model.weights, tokens.ids, Int(tokens.batch), tokens.left_pad});
  const Integers& layers = exam.Get<Integers>(answer, 0);
  exam.Case(fmt::format("one pass through {} layers", model.shape.layers));
  CompareNumber(exam, "the number of calls of attention.Forward",
                Int(layers.size()), Int(model.shape.layers));
  for (std::size_t call = 0; call < layers.size(); ++call) {
    CompareNumber(exam, fmt::format("the layer asked for in call {}", call),
                  layers[call], Int(call));
  }
  if (exam.Get<Integers>(answer, 1) != tokens.left_pad) {
    exam.Fail("attention was not given the tokens' left_pad");
  }
}

void ForwardNoFuture(Exam& exam) {
  const TrialModel model = MakeModel(exam, 16, "");
  TrialTokens tokens = RandomTrialTokens(exam, model, 1, 8);
  const auto ask = [&] {
    return exam.Get<Array>(
        exam.AskStudent("model.forward",
                        ForwardQuestion(model.model, tokens, Positions::kAll)),
        0);
  };
  const std::size_t changed = Between(exam.Randomness(), 3, 6);
  exam.Case(fmt::format("8 tokens, once more with another token at position {}",
                        changed));
  const Array before = ask();
  std::int64_t& id = tokens.ids[changed];
  id = (id + 1) % Int(model.shape.vocab_size);
  const Array after = ask();
  const std::vector<std::size_t> shape = {1, 8, model.shape.vocab_size};
  if (before.shape != shape || after.shape != shape) {
    exam.Fail("the logits do not have the shape [batch, tokens, vocab_size]");
  }
  const double tolerance = exam.Setting("tolerance");
  if (!Agree(Slice(before, 1, 0, changed), Slice(after, 1, 0, changed),
             tolerance)) {
    exam.Fail("logits of earlier positions changed: the model sees the future");
  }
  for (std::size_t position = changed; position < 8; ++position) {
    if (Agree(Slice(before, 1, position, position + 1),
              Slice(after, 1, position, position + 1), tolerance)) {
      exam.Fail(
          fmt::format("the logits at position {} did not change: they do "
                      "not depend on what came before",
                      position));
    }
  }
}

Array LastOf(const Array& logits) {
  return Slice(logits, 1, logits.shape[1] - 1, logits.shape[1]);
}

void ForwardLastPosition(Exam& exam) {
  const TrialModel model = MakeModel(exam, 16, "no_positions linear_mlp");
  const TrialTokens tokens = RandomTrialTokens(exam, model, 2, 6);
  exam.Case("logits of the last of 6 positions only, batch 2");
  CountedWork work(exam);
  const Values answer = exam.AskStudent(
      "model.forward", ForwardQuestion(model.model, tokens, Positions::kLast));
  const std::int64_t macs =
      work.Macs().at(static_cast<std::size_t>(WorkKind::kHead));
  CompareArrays(exam, exam.Get<Array>(answer, 0),
                LastOf(ReferenceLogits(exam, model, tokens)), kLogitAxes);
  const std::size_t needed = 2 * model.shape.DModel() * model.shape.vocab_size;
  if (macs > Int(needed)) {
    exam.Fail(
        fmt::format("the head did {} multiply-accumulates; the last "
                    "position of each row needs {}",
                    macs, needed));
  }
}

// One way to use a model where every feature meets every other.
struct CombinedPass {
  TrialModel model;
  TrialTokens tokens;
  std::size_t past_len = 0;  // of an attention that adds nothing
  Positions positions = Positions::kAll;
  std::string about;
  Array right;  // [batch, tokens after past_len, or 1, vocab]
};

// A row of the table that the check goes through.
struct PassChoices {
  std::array<std::size_t, 2> tokens = {};  // batch, tokens of this call
  std::size_t padding = 0;                 // none, little, all but the last
  bool has_past = false;
  bool untied = false;
  bool square = false;  // as many tokens as features
  bool full = false;    // up to the model's last position
  double epsilon = 0;
  std::size_t mlp = 0;  // 4 * d_model, d_model, 3 * d_model + 1
  std::size_t layers = 0;
  bool last_only = false;
};

CombinedPass MakeCombinedPass(Exam& exam, const PassChoices& choices) {
  Random& random = exam.Randomness();
  const auto [batch, new_len] = choices.tokens;
  CombinedPass pass;
  pass.past_len = choices.has_past ? Between(random, 3, 80) : 0;
  const std::size_t total_len = pass.past_len + new_len;
  Gpt2Sizes shape = RandomGpt2Sizes(
      random, choices.full ? total_len : total_len + Between(random, 1, 9));
  shape.layers = choices.layers;
  if (choices.square) shape.vocab_size = shape.DModel();
  if (choices.mlp == 1) shape.d_mlp = shape.DModel();
  if (choices.mlp == 2) shape.d_mlp = 3 * shape.DModel() + 1;
  pass.model =
      MakeModel(exam, shape,
                std::string("linear_mlp") + (choices.untied ? " untied" : "") +
                    (choices.has_past ? " no_attention" : ""),
                choices.epsilon);
  pass.tokens = RandomTrialTokens(exam, pass.model, batch, total_len);
  if (choices.padding > 0) {
    pass.tokens.left_pad.assign(batch, 0);
    for (std::size_t b = 0; b < batch; ++b) {
      const std::size_t few = std::min(Between(random, 1, 3), total_len - 1);
      if (b == 1) continue;
      pass.tokens.left_pad[b] =
          Int(choices.padding == 1 ? few : total_len - few);
    }
  }
  pass.positions = choices.last_only ? Positions::kLast : Positions::kAll;
  pass.about = fmt::format(
      "batch {}{}, {}{}{}, {}, d_model {}, d_mlp {}, vocabulary of {}, {} "
      "head, epsilon {}{}",
      batch, choices.padding == 0 ? "" : ", padded on the left",
      Count(new_len, "token"),
      choices.has_past
          ? fmt::format(" after {} that attention has seen", pass.past_len)
          : "",
      choices.full ? ", up to the last position of the model" : "",
      Count(shape.layers, "layer"), shape.DModel(), shape.DMlp(),
      shape.vocab_size, choices.untied ? "untied" : "tied", choices.epsilon,
      choices.last_only ? "; logits of the last position only" : "");
  pass.right =
      Slice(ReferenceLogits(exam, pass.model, pass.tokens), 1,
            choices.last_only ? total_len - 1 : pass.past_len, total_len);
  return pass;
}

// The student's model for a pass, which may have an attention with a past.
Handle StudentModel(Exam& exam, const CombinedPass& pass) {
  if (pass.past_len == 0) return pass.model.model.student;
  const Values made = exam.AskStudent("model.with_past",
                                      {pass.model.weights, Int(pass.past_len)});
  return exam.Get<Handle>(made, 0);
}

// What the logits look like; "" if like nothing known.
std::string RecogniseLogits(Exam& exam, const CombinedPass& pass,
                            const Array& answer) {
  const auto looks_like = [&](const Handle& weights) {
    const Values model = exam.AskReference(
        "model.new", {Pair{.student = {}, .reference = weights}});
    const TrialModel other = {
        .shape = pass.model.shape,
        .weights = {},
        .model = {.student = {}, .reference = exam.Get<Handle>(model, 0)}};
    const std::size_t total_len = pass.tokens.SeqLen();
    return Agree(answer,
                 Slice(ReferenceLogits(exam, other, pass.tokens), 1,
                       total_len - answer.shape[1], total_len),
                 exam.Setting("tolerance"));
  };
  const auto changed = [&](const std::string& operation,
                           const Question& question) {
    return exam.Get<Handle>(exam.AskReference(operation, question), 0);
  };
  if (looks_like(changed("weights.with_epsilon", {pass.model.weights, 1e-5}))) {
    return "this is a model whose norms use an epsilon of 1e-5; its config "
           "says another one";
  }
  if (looks_like(changed("weights.tied", {pass.model.weights}))) {
    return "the head is wte; this model has a head of its own, lm_head";
  }
  return "";
}

void CompareCombinedPass(Exam& exam, Handle model, const CombinedPass& pass,
                         const std::string& when) {
  exam.Case(pass.about + when);
  const std::size_t total_len = pass.tokens.SeqLen();
  const Values answer = exam.AskStudent(
      "model.forward",
      ForwardQuestion({model, {}}, pass.tokens.Part(pass.past_len, total_len),
                      pass.positions));
  Array logits = exam.Get<Array>(answer, 0);
  Array right = pass.right;
  if (logits.shape == right.shape) {
    const std::size_t first = total_len - right.shape[1];
    ZeroPadding(logits, pass.tokens.left_pad, first);
    ZeroPadding(right, pass.tokens.left_pad, first);
  }
  CompareArrays(exam, logits, right, kLogitAxes, [&](const Array& wrong) {
    return RecogniseLogits(exam, pass, wrong);
  });
}

// Every choice of a feature with every choice of each other; each model again
// when all others have been used.
void ForwardCombined(Exam& exam) {
  const std::array<std::array<std::size_t, 2>, 4> tokens = {
      {{1, 7}, {5, 3}, {2, 70}, {3, 1}}};
  const std::array<std::size_t, 3> layers = {3, 1, 13};
  std::vector<std::pair<Handle, CombinedPass>> passes;
  for (const std::vector<std::size_t>& row :
       AllPairs(std::array<std::size_t, 10>{tokens.size(), layers.size(), 3, 3,
                                            2, 2, 2, 2, 2, 2})) {
    CombinedPass pass =
        MakeCombinedPass(exam, {.tokens = tokens.at(row[0]),
                                .padding = row[2],
                                .has_past = row[4] == 1,
                                .untied = row[5] == 1,
                                .square = row[6] == 1,
                                .full = row[7] == 1,
                                .epsilon = row[8] == 1 ? 0.1 : 1e-5,
                                .mlp = row[3],
                                .layers = layers.at(row[1]),
                                .last_only = row[9] == 1});
    const Handle model = StudentModel(exam, pass);
    CompareCombinedPass(exam, model, pass, "");
    passes.emplace_back(model, std::move(pass));
  }
  for (const auto& [model, pass] : passes) {
    CompareCombinedPass(exam, model, pass,
                        "; the second time, after other models were used");
  }
}

// One size beyond what 8 bits count, the others small. What is padding stays
// out of the comparison.
void CompareLargeModel(Exam& exam, const Gpt2Sizes& shape, std::size_t batch,
                       Positions positions, const std::string& what) {
  constexpr std::size_t kSeqLen = 4;
  const TrialModel model = MakeModel(exam, shape, "linear_mlp untied");
  TrialTokens tokens = RandomTrialTokens(exam, model, batch, kSeqLen);
  for (std::size_t b = 0; b < batch; ++b) {
    tokens.left_pad.push_back(Int(b % (kSeqLen - 1)));
  }
  const bool last_only = positions == Positions::kLast;
  exam.Case(fmt::format("{}, padded on the left{}", what,
                        last_only ? "; logits of the last position only" : ""));
  const Values answer = exam.AskStudent(
      "model.forward", ForwardQuestion(model.model, tokens, positions));
  Array logits = exam.Get<Array>(answer, 0);
  Array right = ReferenceLogits(exam, model, tokens);
  if (last_only) right = LastOf(right);
  const std::size_t first = last_only ? kSeqLen - 1 : 0;
  if (logits.shape == right.shape) {
    ZeroPadding(logits, tokens.left_pad, first);
    ZeroPadding(right, tokens.left_pad, first);
  }
  // Hundreds of random layers magnify what is rounded in the first a thousand
  // times; a layer that is left out changes every digit.
  const double tolerance =
      exam.Setting("tolerance") * (shape.layers > 13 ? 200 : 1);
  const auto difference = Difference(logits, right, tolerance, kLogitAxes);
  if (difference) exam.Fail(*difference);
}

void ForwardLarge(Exam& exam) {
  Random& random = exam.Randomness();
  for (const Positions positions : {Positions::kAll, Positions::kLast}) {
    for (const auto& [low, high] : std::vector<std::array<std::size_t, 2>>{
             {10, 60}, {66, 250}, {260, 280}}) {
      const std::size_t size = Between(random, low, high);
      const Gpt2Sizes small = {.layers = 2,
                               .heads = 2,
                               .head_dim = 3,
                               .max_positions = 9,
                               .vocab_size = 11,
                               .d_mlp = 7};
      CompareLargeModel(exam, small, size, positions, Count(size, "row"));
      Gpt2Sizes shape = small;
      shape.layers = size;
      CompareLargeModel(exam, shape, 2, positions, Count(size, "layer"));
      shape = small;
      shape.heads = size;
      CompareLargeModel(exam, shape, 10, positions, Count(size, "head"));
      shape = small;
      shape.d_mlp = size;
      CompareLargeModel(exam, shape, 10, positions,
                        Count(size, "feature") + " between the products");
      shape = small;
      shape.vocab_size = size;
      CompareLargeModel(exam, shape, 10, positions,
                        fmt::format("a vocabulary of {}", size));
    }
  }
}

// A prompt of hundreds of tokens, to the last position of the model.
void ForwardLong(Exam& exam) {
  ForwardLarge(exam);
  for (const std::size_t batch : {1, 2, 260}) {
    const std::size_t seq_len = batch == 1
                                    ? Between(exam.Randomness(), 1030, 1060)
                                    : Between(exam.Randomness(), 260, 300);
    Gpt2Sizes shape = RandomGpt2Sizes(exam.Randomness(), seq_len);
    shape.layers = 2;
    if (batch > 2) {  // and little else, to be fast
      shape = {.layers = 1,
               .heads = 1,
               .head_dim = 3,
               .max_positions = seq_len,
               .vocab_size = 5,
               .d_mlp = 4};
    }
    const TrialModel model = MakeModel(exam, shape, "linear_mlp");
    TrialTokens tokens = RandomTrialTokens(exam, model, batch, seq_len);
    if (batch > 1) {
      tokens.left_pad.assign(batch, 0);
      for (std::size_t b = 0; b < batch; b += 3) {
        tokens.left_pad[b] = Int(b % 2 == 0 ? seq_len - 4 : 2);
      }
    }
    exam.Case(
        fmt::format("batch {}{}, {} tokens, as many as the model has "
                    "positions",
                    batch, batch == 1 ? "" : ", padded on the left", seq_len));
    const Values answer = exam.AskStudent(
        "model.forward", ForwardQuestion(model.model, tokens, Positions::kAll));
    Array logits = exam.Get<Array>(answer, 0);
    Array right = ReferenceLogits(exam, model, tokens);
    if (logits.shape == right.shape) {
      ZeroPadding(logits, tokens.left_pad, 0);
      ZeroPadding(right, tokens.left_pad, 0);
    }
    CompareArrays(exam, logits, right, kLogitAxes);
  }
}

void CompareWorkOfForward(Exam& exam, const TrialModel& model,
                          std::size_t batch, std::size_t seq_len) {
  const Gpt2Sizes& shape = model.shape;
  TrialTokens tokens = RandomTrialTokens(exam, model, batch, seq_len);
  tokens.left_pad.assign(batch, 0);
  exam.Case(fmt::format("{} x {} tokens through {} layers", batch, seq_len,
                        shape.layers));
  CountedWork work(exam);
  const Values answer = exam.AskStudent(
      "model.forward", ForwardQuestion(model.model, tokens, Positions::kAll));
  const Integers macs = work.Macs();
  // Hundreds of random layers magnify what is rounded: there the work alone is
  // compared.
  if (shape.layers < 99) {
    CompareArrays(exam, exam.Get<Array>(answer, 0),
                  ReferenceLogits(exam, model, tokens), kLogitAxes);
  }
  const std::size_t token_passes = batch * seq_len * shape.layers;
  const std::size_t width = shape.DModel();
  const auto exactly = [&](WorkKind kind, std::size_t expected) {
    CompareWork(exam, macs, kind, {.least = expected, .most = expected});
  };
  exactly(WorkKind::kQkv, token_passes * 3 * width * width);
  exactly(WorkKind::kProjection, token_passes * width * width);
  exactly(WorkKind::kMlp, token_passes * 2 * width * shape.DMlp());
  exactly(WorkKind::kHead, batch * seq_len * width * shape.vocab_size);
  // Module 1 may leave out what the mask hides, T (T - 1) / 2 of T * T pairs.
  const std::size_t all = token_passes * seq_len * 2 * width;
  CompareWork(exam, macs, WorkKind::kAttention,
              {.least = all * (seq_len + 1) / (2 * seq_len), .most = all});
}

void ForwardWork(Exam& exam) {
  Random& random = exam.Randomness();
  Gpt2Sizes shape = RandomGpt2Sizes(random, 8);
  shape.d_mlp = 3 * shape.DModel();
  CompareWorkOfForward(exam, MakeModel(exam, shape, "no_positions linear_mlp"),
                       3, 5);
  // Every layer of many, for many rows, of one head each.
  shape = {.layers = Between(random, 260, 280),
           .heads = 1,
           .head_dim = 3,
           .max_positions = 4,
           .vocab_size = 5,
           .d_mlp = 7};
  CompareWorkOfForward(exam, MakeModel(exam, shape, "linear_mlp"),
                       Between(random, 260, 280), 2);
}

void ForwardLeftPad(Exam& exam) {
  const TrialModel model = MakeModel(exam, 16, "linear_mlp");
  TrialTokens tokens = RandomTrialTokens(exam, model, 3, 8);
  tokens.left_pad = RandomLeftPad(exam.Randomness(), 3, 8);
  CompareWholeForward(exam, model, tokens);
}

void ForwardRefusals(Exam& exam) {
  const TrialModel model = MakeModel(exam, 8, "no_positions linear_mlp");
  const TrialTokens tokens = RandomTrialTokens(exam, model, 2, 4);
  CompareWholeForward(exam, model, tokens);
  exam.Case("");
  const auto refuse = [&](const TrialTokens& bad, const std::string& what) {
    exam.ExpectRefusal("model.forward",
                       ForwardQuestion(model.model, bad, Positions::kAll),
                       what);
  };
  TrialTokens bad = tokens;
  bad.ids[2] = Int(model.shape.vocab_size);
  refuse(bad, "an id as large as the vocabulary");
  bad.ids[2] = -1;
  refuse(bad, "id -1");
  bad = tokens;
  bad.left_pad = {0, 0, 0};
  refuse(bad, "left_pad of 3 rows for batch 2");
  bad = tokens;
  bad.ids.clear();
  refuse(bad, "a pass over 0 tokens");
  refuse(RandomTrialTokens(exam, model, 1, 9), "9 tokens for 8 positions");
  CompareWholeForward(exam, model, tokens);
}

const RegisterChecks kModelChecks({
    AllOrNothing("forward.logits", {"tolerance"}, ForwardLogits),
    AllOrNothing("forward.positions", {"tolerance"}, ForwardPositions),
    AllOrNothing("forward.layers", {}, ForwardLayers),
    AllOrNothing("forward.no_future", {"tolerance"}, ForwardNoFuture),
    AllOrNothing("forward.last_position", {"tolerance"}, ForwardLastPosition),
    AllOrNothing("forward.combined", {"tolerance"}, ForwardCombined),
    AllOrNothing("forward.long", {"tolerance"}, ForwardLong),
    AllOrNothing("forward.work", {"tolerance"}, ForwardWork),
    AllOrNothing("forward.left_pad", {"tolerance"}, ForwardLeftPad),
    AllOrNothing("forward.refusals", {"tolerance"}, ForwardRefusals),
});

}  // namespace

}  // namespace kvlab::grading
