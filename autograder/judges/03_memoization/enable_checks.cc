// Module 3, task 3.7: giving a model a cache, and taking it away.
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/inputs.h"
#include "autograder/judges/02_transformer/model_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kMaxSeqLen = 12;

// A model and a sequence with its logits, computed without a cache.
struct EnableTrial {
  TrialModel model;
  TrialTokens tokens = {};
  Array expected = {};  // [batch, 8, vocab]
};

TrialTokens TokensFor(Exam& exam, const TrialModel& model, std::size_t batch,
                      bool left_padded) {
  TrialTokens tokens = RandomTrialTokens(exam, model, batch, 8);
  if (left_padded) {
    tokens.left_pad = RandomLeftPad(exam.Randomness(), batch, 8);
  }
  return tokens;
}

EnableTrial MakeEnableTrial(Exam& exam, std::size_t batch, bool left_padded) {
  EnableTrial trial = {.model = MakeModel(exam, 16, "")};
  trial.tokens = TokensFor(exam, trial.model, batch, left_padded);
  trial.expected = ReferenceLogits(exam, trial.model, trial.tokens);
  return trial;
}

Handle Enable(Exam& exam, const EnableTrial& trial) {
  const Values made = exam.AskStudent(
      "cached.enable",
      {trial.model.model, Int(trial.tokens.batch), Int(kMaxSeqLen)});
  return exam.Get<Handle>(made, 0);
}

void CompareTrial(Exam& exam, const EnableTrial& trial,
                  const std::vector<std::size_t>& pieces) {
  CompareForwards(exam, trial.model.model.student, trial.tokens, trial.expected,
                  pieces);
}

// Twice, since a model without a cache starts from position 0 at each pass.
void CompareUncached(Exam& exam, const EnableTrial& trial,
                     const std::string& about) {
  for (int time = 0; time < 2; ++time) {
    try {
      CompareTrial(exam, trial, {trial.tokens.SeqLen()});
    } catch (const CheckFailed& failed) {
      throw CheckFailed{about + ": " + failed.came_back};
    }
  }
}

struct HandleState {
  bool enabled = false;
  std::int64_t past_len = 0;
  std::int64_t cache = 0;  // which one: its address
};

HandleState State(Exam& exam, Handle handle) {
  const Values answer = exam.AskStudent("cached.state", {handle});
  const Integers& state = exam.GetIntegers(answer, 0, 4);
  return {.enabled = state[0] != 0, .past_len = state[1], .cache = state[3]};
}

void Continues(Exam& exam) {
  for (const bool left_padded : {false, true}) {
    for (const auto& pieces :
         {std::vector<std::size_t>{5, 1, 1, 1}, {1, 1, 4, 2}}) {
      const EnableTrial trial = MakeEnableTrial(exam, 3, left_padded);
      const Handle handle = Enable(exam, trial);
      CompareTrial(exam, trial, pieces);
      exam.Case("after 8 tokens");
      CompareNumber(exam, "PastLen() of the handle's cache",
                    State(exam, handle).past_len, 8);
    }
  }
}

void Disables(Exam& exam) {
  const EnableTrial trial = MakeEnableTrial(exam, 2, false);
  Handle handle = Enable(exam, trial);
  CompareTrial(exam, trial, {5, 1, 1, 1});
  const std::int64_t cache = State(exam, handle).cache;
  const Values held = exam.AskStudent("cached.read", {handle, std::int64_t{1}});
  exam.AskStudent("cached.disable", {handle});
  exam.Case("after Disable()");
  if (State(exam, handle).enabled) exam.Fail("Enabled() is still true");
  CompareUncached(exam, trial, "without a cache again");
  exam.AskStudent("cached.disable", {handle});
  CompareUncached(exam, trial, "after a second Disable()");

  // The old handle shows what it showed, and has no hold on a later cache.
  const Handle old = handle;
  handle = Enable(exam, trial);
  exam.Case("enabled again");
  CompareNumber(exam, "PastLen()", State(exam, handle).past_len, 0);
  CompareTrial(exam, trial, {4, 1, 3});
  const std::string about = "the handle of a cache that was disabled";
  exam.Case(about);
  const std::string hint =
      "Disable() leaves the handle its cache, with the tokens in it";
  CompareNumber(exam, "PastLen()", State(exam, old).past_len, 8, hint);
  if (State(exam, old).cache != cache) {
    exam.Fail("it refers to another cache than before; " + hint);
  }
  if (exam.AskStudent("cached.read", {old, std::int64_t{1}}) != held) {
    exam.Fail("the tokens in its cache are not the same as before; " + hint);
  }
  exam.AskStudent("cached.disable", {old});
  exam.Case("the old handle disabled once more");
  if (!State(exam, handle).enabled) exam.Fail("the later cache is not enabled");
  exam.AskStudent("object.drop", {old});
  exam.Case("the old handle is gone");
  if (!State(exam, handle).enabled) exam.Fail("the later cache is not enabled");
  exam.AskStudent("object.drop", {handle});
  CompareUncached(exam, trial, "after the last handle is gone");
}

// Enabled once more while a sequence is under way, then either handle goes.
void EnablingInTheMiddle(Exam& exam) {
  const EnableTrial trial = MakeEnableTrial(exam, 3, true);
  const Handle first = Enable(exam, trial);
  const auto go_on = [&](std::size_t begin, std::size_t end) {
    CompareForwards(exam, trial.model.model.student,
                    trial.tokens.Part(begin, end),
                    Slice(trial.expected, 1, begin, end), {end - begin}, begin);
  };
  go_on(0, 5);
  const Handle second = Enable(exam, trial);
  exam.Case("enabled again after 5 tokens");
  const std::string hint =
      "the second handle is one to the same cache, with "
      "the tokens that it holds";
  CompareNumber(exam, "PastLen() by the second handle",
                State(exam, second).past_len, 5, hint);
  CompareNumber(exam, "PastLen() by the first handle",
                State(exam, first).past_len, 5, hint);
  go_on(5, 6);
  exam.AskStudent("object.drop", {first});
  exam.Case("the first of two handles is gone");
  if (!State(exam, second).enabled) exam.Fail("the other is not enabled");
  go_on(6, 7);
  const Handle third = Enable(exam, trial);
  exam.AskStudent("object.drop", {second});
  exam.Case("the second of three handles is gone");
  if (!State(exam, third).enabled) exam.Fail("the other is not enabled");
  CompareNumber(exam, "PastLen()", State(exam, third).past_len, 7);
  go_on(7, 8);
  exam.AskStudent("cached.disable", {third});
}

// Calls `work` with a small model each of whose sizes in turn goes far beyond
// what others have, up to more than 8 bits count, and with what it has many of.
template <typename Work>
void ForEachLargeModel(Exam& exam, const Work& work) {
  struct Axis {
    const char* what;
    std::size_t Gpt2Sizes::*size;
  };
  for (const auto& [low, high] : std::vector<std::array<std::size_t, 2>>{
           {10, 60}, {66, 250}, {260, 280}}) {
    for (const Axis& axis :
         {Axis{"layer", &Gpt2Sizes::layers}, Axis{"head", &Gpt2Sizes::heads},
          Axis{"position", &Gpt2Sizes::max_positions},
          Axis{"feature", &Gpt2Sizes::d_mlp},
          Axis{"token", &Gpt2Sizes::vocab_size}}) {
      Gpt2Sizes shape = {.layers = 2,
                         .heads = 2,
                         .head_dim = 3,
                         .max_positions = 9,
                         .vocab_size = 9,
                         .d_mlp = 7};
      shape.*axis.size = Between(exam.Randomness(), low, high);
      work(MakeModel(exam, shape, ""),
           "a model with " + Count(shape.*axis.size, axis.what));
    }
  }
}

// Enabled twice, and gone with the last handle, whatever the model's sizes are.
void EnablingLargeModels(Exam& exam) {
  ForEachLargeModel(exam, [&](const TrialModel& model,
                              const std::string& about) {
    const auto enable = [&] {
      return exam.Get<Handle>(
          exam.AskStudent("cached.enable", {model.model, Int(1), Int(9)}), 0);
    };
    const Handle first = enable();
    exam.AskStudent(
        "model.forward",
        ForwardQuestion(model.model, RandomTrialTokens(exam, model, 1, 4),
                        Positions::kLast));
    const Handle second = enable();
    exam.Case(about + ", enabled again after 4 tokens");
    if (State(exam, first).cache != State(exam, second).cache) {
      exam.Fail("the handles refer to two caches; they should share one");
    }
    CompareNumber(exam, "PastLen()", State(exam, second).past_len, 4);
    exam.AskStudent("object.drop", {first});
    exam.AskStudent("object.drop", {second});
    exam.Case(about + ", after the last handle is gone");
    CompareNumber(exam, "PastLen() of the model's attention",
                  exam.Get<std::int64_t>(
                      exam.AskStudent("model.past_len", {model.model}), 0),
                  0, "the model gets back the attention that it had");
  });
}

void EnablingTwice(Exam& exam) {
  const EnableTrial trial = MakeEnableTrial(exam, 2, false);
  const Handle first = Enable(exam, trial);
  const Handle second = Enable(exam, trial);
  exam.Case("two handles from enabling twice");
  if (State(exam, first).cache != State(exam, second).cache) {
    exam.Fail("they refer to two caches; they should share one");
  }
  CompareTrial(exam, trial, {5, 1, 1, 1});
  exam.AskStudent("object.drop", {first});
  exam.Case("one of two handles is gone");
  if (!State(exam, second).enabled) exam.Fail("the other is not enabled");
  exam.AskStudent("cached.disable", {second});
  CompareUncached(exam, trial, "enabled twice, disabled once");
  EnablingInTheMiddle(exam);
  EnablingLargeModels(exam);
}

// The first of two models goes, and another one comes, perhaps to its place in
// memory; the second does not notice.
void OneModelGoes(Exam& exam, const EnableTrial& one,
                  const std::array<Handle, 2>& handles) {
  exam.AskStudent("object.drop", {handles[0]});
  exam.AskStudent("object.drop", {one.model.model.student});
  exam.Case("one of two models is gone");
  if (!State(exam, handles[1]).enabled) {
    exam.Fail("the other model's cache is not enabled");
  }
  EnableTrial next = one;
  next.model.model.student =
      exam.Get<Handle>(exam.AskStudent("model.new", {one.model.weights}), 0);
  CompareUncached(exam, next, "a new model after another one is gone");
  const Handle handle = Enable(exam, next);
  exam.Case("a new model after another one is gone, enabled");
  CompareNumber(exam, "PastLen()", State(exam, handle).past_len, 0);
  CompareTrial(exam, next, {3, 1, 4});
}

void TwoModels(Exam& exam) {
  const EnableTrial one = MakeEnableTrial(exam, 2, false);
  const EnableTrial other = MakeEnableTrial(exam, 2, false);
  const Handle first = Enable(exam, one);
  const Handle second = Enable(exam, other);
  std::size_t begin = 0;
  for (const std::size_t piece : {5, 1, 2}) {  // by turns
    for (const EnableTrial* trial : {&one, &other}) {
      const TrialTokens part = trial->tokens.Part(begin, begin + piece);
      const Values answer = exam.AskStudent(
          "model.forward",
          ForwardQuestion(trial->model.model, part, Positions::kAll));
      exam.Case(
          fmt::format("two models in turn, {} tokens after {}", piece, begin));
      CompareArrays(exam, exam.Get<Array>(answer, 0),
                    Slice(trial->expected, 1, begin, begin + piece),
                    kLogitAxes);
    }
    begin += piece;
    exam.Case(
        fmt::format("two models after {} tokens each, the first enabled "
                    "again",
                    begin));
    const Handle again = Enable(exam, one);
    if (State(exam, again).cache != State(exam, first).cache) {
      exam.Fail(
          "its handle refers to the other model's cache, or to a new one; "
          "a cache belongs to its model, not to the program");
    }
    CompareNumber(exam, "PastLen()", State(exam, again).past_len, Int(begin));
    exam.AskStudent("object.drop", {again});
  }
  OneModelGoes(exam, one, {first, second});
}

void ResetAndReuse(Exam& exam) {
  EnableTrial trial = MakeEnableTrial(exam, 2, false);
  const Handle handle = Enable(exam, trial);
  CompareTrial(exam, trial, {6, 1, 1});
  for (int prompt = 2; prompt <= 3; ++prompt) {
    exam.AskStudent("cached.reset", {handle});
    trial.tokens = TokensFor(exam, trial.model, 2, false);
    trial.expected = ReferenceLogits(exam, trial.model, trial.tokens);
    try {
      CompareTrial(exam, trial, {3, 1, 1, 3});
    } catch (const CheckFailed& failed) {
      throw CheckFailed{
          fmt::format("prompt {} after Reset(): {}", prompt, failed.came_back)};
    }
  }
  // A longer one, to the last token that the cache has room for.
  exam.AskStudent("cached.reset", {handle});
  trial.tokens = RandomTrialTokens(exam, trial.model, 2, kMaxSeqLen);
  trial.tokens.left_pad = RandomLeftPad(exam.Randomness(), 2, kMaxSeqLen);
  trial.expected = ReferenceLogits(exam, trial.model, trial.tokens);
  try {
    CompareTrial(exam, trial, {9, 2, 1});
  } catch (const CheckFailed& failed) {
    throw CheckFailed{"a longer prompt after Reset(): " + failed.came_back};
  }
  // Taken back to each position, and continued from there.
  for (std::size_t kept = kMaxSeqLen; kept-- > 0;) {
    exam.AskStudent("cached.truncate", {handle, Int(kept)});
    try {
      CompareForwards(exam, trial.model.model.student,
                      trial.tokens.Part(kept, kMaxSeqLen),
                      Slice(trial.expected, 1, kept, kMaxSeqLen),
                      {kMaxSeqLen - kept}, kept);
    } catch (const CheckFailed& failed) {
      throw CheckFailed{
          fmt::format("after Truncate({}): {}", kept, failed.came_back)};
    }
  }
}

void EnableRefusals(Exam& exam) {
  const EnableTrial trial = MakeEnableTrial(exam, 2, false);
  const auto refuse = [&](std::size_t batch, std::size_t max_seq_len,
                          const std::string& what) {
    exam.Case("");
    exam.ExpectRefusal("cached.enable",
                       {trial.model.model, Int(batch), Int(max_seq_len)}, what);
  };
  refuse(0, 8, "a cache for batch 0");
  refuse(2, 0, "a cache for 0 tokens");
  refuse(2, 17, "a cache for 17 tokens of a model with 16 positions");
  CompareUncached(exam, trial, "after enabling was refused");
  Enable(exam, trial);
  CompareForwards(exam, trial.model.model.student, trial.tokens.Part(0, 5),
                  Slice(trial.expected, 1, 0, 5), {5});
  refuse(3, kMaxSeqLen, "a second cache with another batch");
  refuse(2, kMaxSeqLen - 1, "a second cache for another length");
  const Values answer =
      exam.AskStudent("model.forward", ForwardQuestion(trial.model.model,
                                                       trial.tokens.Part(5, 8),
                                                       Positions::kAll));
  exam.Case("the sequence goes on after a second cache was refused");
  CompareArrays(exam, exam.Get<Array>(answer, 0),
                Slice(trial.expected, 1, 5, 8), kLogitAxes);

  for (const std::size_t batch : {Between(exam.Randomness(), 66, 90),
                                  Between(exam.Randomness(), 257, 300)}) {
    const EnableTrial wide = MakeEnableTrial(exam, 2, false);
    exam.Case(fmt::format("a cache for {} rows", batch));
    exam.AskStudent("cached.enable", {wide.model.model, Int(batch), Int(9)});
    for (const auto& [rows, length] :
         {std::pair(batch - 1, std::size_t{9}), {batch, std::size_t{8}}}) {
      exam.Case("");
      exam.ExpectRefusal(
          "cached.enable", {wide.model.model, Int(rows), Int(length)},
          fmt::format("a second cache of another shape beside {} rows", batch));
    }
  }

  // Of the same shape, but plugged in by other code.
  const Values plugged = exam.AskStudent(
      "model.with_cache", {trial.model.weights, Int(2), Int(kMaxSeqLen)});
  exam.Case("");
  exam.ExpectRefusal(
      "cached.enable", {exam.Get<Handle>(plugged, 0), Int(2), Int(kMaxSeqLen)},
      "a cache for a model whose cache did not come from EnableKvCache");

  ForEachLargeModel(
      exam, [&](const TrialModel& model, const std::string& about) {
        const auto refuse_of = [&](const Pair& refusing, std::size_t batch,
                                   std::size_t max_seq_len,
                                   const std::string& what) {
          exam.Case("");
          exam.ExpectRefusal("cached.enable",
                             {refusing, Int(batch), Int(max_seq_len)},
                             what + " for " + about);
        };
        refuse_of(model.model, 1, model.shape.max_positions + 1,
                  "a cache for more tokens than positions");
        exam.AskStudent("cached.enable", {model.model, Int(1), Int(9)});
        refuse_of(model.model, 2, 9, "a second cache with another batch");
        refuse_of(model.model, 1, 8, "a second cache for another length");
        const Values plugged_in = exam.AskStudent(
            "model.with_cache", {model.weights, Int(1), Int(9)});
        exam.Case("");
        exam.ExpectRefusal(
            "cached.enable", {exam.Get<Handle>(plugged_in, 0), Int(1), Int(9)},
            "a cache that did not come from EnableKvCache for " + about);
      });
}

const RegisterChecks kEnableChecks({
    AllOrNothing("enable.continues", {"tolerance"}, Continues),
    AllOrNothing("enable.disable", {"tolerance"}, Disables),
    AllOrNothing("enable.twice", {"tolerance"}, EnablingTwice),
    AllOrNothing("enable.two_models", {"tolerance"}, TwoModels),
    AllOrNothing("enable.reset", {"tolerance"}, ResetAndReuse),
    AllOrNothing("enable.refusals", {"tolerance"}, EnableRefusals),
});

}  // namespace

}  // namespace kvlab::grading
