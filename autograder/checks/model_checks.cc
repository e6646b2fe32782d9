// Module 2, task 2.5: GPT-2 as a whole.
#include <cstddef>
#include <string>
#include <vector>

#include "autograder/checks/check_groups.h"
#include "autograder/checks/compare.h"
#include "autograder/checks/difference.h"
#include "autograder/checks/inputs.h"
#include "autograder/checks/model_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kHeadCategory = 4;  // in the answer of work.counted

// All positions of the whole sequence in one pass.
void CompareWholeForward(Exam& exam, const TrialModel& model,
                         const TrialTokens& tokens) {
  CompareForwards(exam, model.model.student, tokens,
                  ReferenceLogits(exam, model, tokens), {tokens.SeqLen()});
}

// Positions look alike, so that an error in them fails ForwardPositions only.
void ForwardLogits(Exam& exam) {
  const TrialModel model = MakeModel(exam, 16, "no_positions linear_mlp");
  for (const std::size_t batch : {1, 3}) {
    CompareWholeForward(exam, model, RandomTrialTokens(exam, model, batch, 7));
  }
}

// The last tokens of a padded batch, by a model whose attention has seen the
// ones before them.
void ComparePositionsAfter(Exam& exam, const TrialModel& model,
                           std::size_t past_len) {
  TrialTokens tokens = RandomTrialTokens(exam, model, 2, 9);
  tokens.left_pad = {0, Int(Between(exam.Randomness(), 1, 3))};
  const Array expected = ReferenceLogits(exam, model, tokens);
  const Values made =
      exam.AskStudent("model.with_past", {model.weights, Int(past_len)});
  const Values answer = exam.AskStudent(
      "model.forward",
      ForwardQuestion({exam.Get<Handle>(made, 0), {}}, tokens.Part(past_len, 9),
                      Positions::kAll));
  exam.Case(
      fmt::format("batch 2, one row padded, {} after {} that attention "
                  "has seen",
                  Count(9 - past_len, "token"), past_len));
  CompareArrays(exam, exam.Get<Array>(answer, 0),
                Slice(expected, 1, past_len, 9), kLogitAxes);
}

// Attention adds nothing: what differs between positions is wpe's doing.
void ForwardPositions(Exam& exam) {
  const TrialModel model = MakeModel(exam, 16, "no_attention linear_mlp");
  CompareWholeForward(exam, model, RandomTrialTokens(exam, model, 2, 9));
  ComparePositionsAfter(exam, model, 8);
  ComparePositionsAfter(exam, model, 5);
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

std::int64_t HeadMacs(Exam& exam) {
  return exam.GetIntegers(exam.AskStudent("work.counted", {}), 0,
                          kHeadCategory + 1)[kHeadCategory];
}

void ForwardLastPosition(Exam& exam) {
  const TrialModel model = MakeModel(exam, 16, "no_positions linear_mlp");
  const TrialTokens tokens = RandomTrialTokens(exam, model, 2, 6);
  exam.Case("logits of the last of 6 positions only, batch 2");
  const std::int64_t before = HeadMacs(exam);
  const Values answer = exam.AskStudent(
      "model.forward", ForwardQuestion(model.model, tokens, Positions::kLast));
  const std::int64_t macs = HeadMacs(exam) - before;
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

}  // namespace

Checks ModelChecks() {
  return {
      AllOrNothing("forward.logits", {"tolerance"}, ForwardLogits),
      AllOrNothing("forward.positions", {"tolerance"}, ForwardPositions),
      AllOrNothing("forward.layers", {}, ForwardLayers),
      AllOrNothing("forward.no_future", {"tolerance"}, ForwardNoFuture),
      AllOrNothing("forward.last_position", {"tolerance"}, ForwardLastPosition),
      AllOrNothing("forward.left_pad", {"tolerance"}, ForwardLeftPad),
      AllOrNothing("forward.refusals", {"tolerance"}, ForwardRefusals),
  };
}

}  // namespace kvlab::grading
