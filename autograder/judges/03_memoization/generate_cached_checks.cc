// Module 3, task 3.8: the same tokens as the baseline, with a cache.
#include <cstddef>
#include <string>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/inputs.h"
#include "autograder/judges/02_transformer/generate_trial.h"
#include "autograder/judges/02_transformer/model_trial.h"

namespace kvlab::grading {
namespace {

void Compare(Exam& exam, const GenerateTrial& trial) {
  CompareGeneration(exam, "generate.cached", trial);
}

void SameTokens(Exam& exam) {
  for (const std::size_t new_tokens : {9, 1}) {
    Compare(exam, MakeGenerateTrial(exam, {.new_tokens = new_tokens}, {}, ""));
  }
  Compare(exam,
          MakeGenerateTrial(exam, {.prompt_len = 1, .new_tokens = 6}, {}, ""));
}

void SameBatches(Exam& exam) {
  Compare(exam, MakeGenerateTrial(exam, {.batch = 3}, {}, ""));
  Compare(exam,
          MakeGenerateTrial(exam, {.batch = 3, .left_padded = true}, {}, ""));
}

void SameOptions(Exam& exam) {
  Compare(exam, MakeGenerateTrial(exam, {.batch = 2},
                                  {.temperature = 0.8, .top_k = 5}, ""));
  Compare(exam, MakeGenerateTrial(exam, {.new_tokens = 0}, {}, ""));
}

// What the other checks try one at a time: batches, padding, sampling, top_k, a
// prompt beyond 256 tokens, and the last position of the model. Every pair of
// these is in one of the rows.
void SameTogether(Exam& exam) {
  Random& random = exam.Randomness();
  Compare(exam, MakeGenerateTrial(exam,
                                  {.batch = 3,
                                   .prompt_len = Between(random, 260, 290),
                                   .new_tokens = 5,
                                   .left_padded = true,
                                   .spare_positions = 0},
                                  {.temperature = 0.9, .top_k = 4}, ""));
  Compare(
      exam,
      MakeGenerateTrial(
          exam,
          {.batch = 5, .prompt_len = 12, .new_tokens = 4, .left_padded = true},
          {.temperature = 1.3, .top_k = 3}, ""));
  Compare(exam, MakeGenerateTrial(exam,
                                  {.batch = 2,
                                   .prompt_len = 3,
                                   .new_tokens = 40,
                                   .left_padded = true,
                                   .spare_positions = 0},
                                  {}, ""));
  // New tokens and rows beyond what 8 bits count.
  Compare(exam, MakeGenerateTrial(exam,
                                  {.batch = 1,
                                   .prompt_len = 4,
                                   .new_tokens = Between(random, 260, 280)},
                                  {}, ""));
  Compare(exam,
          Repeated(MakeGenerateTrial(exam,
                                     {.batch = 5,
                                      .prompt_len = 4,
                                      .new_tokens = 3,
                                      .left_padded = true},
                                     {.temperature = 0, .top_k = 300}, ""),
                   Between(random, 260, 280)));
}

// Multiply-accumulates of the head so far.
std::int64_t HeadWork(Exam& exam) {
  constexpr std::size_t kHeadCategory = 4;  // in the answer of work.counted
  return exam.GetIntegers(exam.AskStudent("work.counted", {}), 0,
                          kHeadCategory + 1)[kHeadCategory];
}

// The prompt once, then each new token once; the last is never fed back.
void RunEachTokenOnce(Exam& exam, const GenerateTrial& trial) {
  CompareGenerationWork(exam, "generate.cached", trial,
                        trial.prompt.SeqLen() + trial.new_tokens - 1,
                        "the prompt runs through the model once, and each new "
                        "token but the last once");
  // Logits are asked for once a step, of the last position alone.
  const std::int64_t before = HeadWork(exam);
  Compare(exam, trial);
  CompareNumber(exam, "the number of logits of a row, in whole vocabularies,",
                (HeadWork(exam) - before) /
                    Int(trial.prompt.batch * trial.model.shape.DModel() *
                        trial.model.shape.vocab_size),
                Int(trial.new_tokens),
                "prefill is one pass, which asks for the logits of the last "
                "position alone; then each step asks for those of its token");
}

// Also with rows and new tokens beyond what 8 bits count.
void RunsEachTokenOnce(Exam& exam) {
  const std::size_t many = Between(exam.Randomness(), 260, 280);
  const GenerateTrial few = MakeGenerateTrial(exam, {.batch = 2}, {}, "");
  RunEachTokenOnce(exam, few);
  RunEachTokenOnce(exam, Repeated(few, many));
  RunEachTokenOnce(
      exam,
      MakeGenerateTrial(exam, {.batch = 1, .prompt_len = 4, .new_tokens = many},
                        {}, ""));
}

// No tokens need no cache: one of another shape is not in the way.
void AsksForNoTokens(Exam& exam) {
  for (const std::size_t batch : {1, 2, 270}) {
    GenerateTrial trial =
        Repeated(MakeGenerateTrial(exam, {.batch = 1}, {}, ""), batch);
    trial.new_tokens = 0;
    trial.expected = {};
    const Handle handle = exam.Get<Handle>(
        exam.AskStudent("cached.enable",
                        {trial.model.model, Int(batch), Int(3)}),
        0);
    Compare(exam, trial);
    exam.AskStudent("object.drop", {handle});
  }
}

// The model must have no cache: it computes a whole pass as before.
void ExpectNoCache(Exam& exam, const GenerateTrial& trial,
                   const std::string& about) {
  exam.Case(about);
  const Values past = exam.AskStudent("model.past_len", {trial.model.model});
  CompareNumber(exam, "PastLen() of the model's attention",
                exam.Get<std::int64_t>(past, 0), 0,
                "the cache is to be disabled");
  const Values logits = exam.AskStudent(
      "model.forward",
      ForwardQuestion(trial.model.model, trial.prompt, Positions::kAll));
  CompareArrays(exam, exam.Get<Array>(logits, 0),
                ReferenceLogits(exam, trial.model, trial.prompt), kLogitAxes);
  const Values again = exam.AskStudent("model.past_len", {trial.model.model});
  CompareNumber(exam, "PastLen() after one more pass",
                exam.Get<std::int64_t>(again, 0), 0,
                "the cache is to be disabled");
}

// A cache of the very shape that the generation needs, enabled by the caller.
void LeavesTheCallersCache(Exam& exam, const GenerateTrial& trial) {
  const auto enable = [&](std::size_t max_seq_len) {
    return exam.Get<Handle>(
        exam.AskStudent(
            "cached.enable",
            {trial.model.model, Int(trial.prompt.batch), Int(max_seq_len)}),
        0);
  };
  const Handle handle = enable(trial.prompt.SeqLen() + trial.new_tokens - 1);
  const auto expect_empty = [&](const std::string& about) {
    exam.Case("a cache that the caller had enabled, " + about);
    const Values answer = exam.AskStudent("cached.state", {handle});
    const Integers& state = exam.GetIntegers(answer, 0, 4);
    if (state[0] == 0) exam.Fail("it is no longer enabled");
    CompareNumber(exam, "PastLen()", state[1], 0,
                  "when the generation is done it is empty, as it was before");
  };
  for (const char* time : {"after generating", "after generating again"}) {
    Compare(exam, trial);
    expect_empty(time);
  }
  exam.AskStudent("generate.cached", InterruptedQuestion(trial, 2));
  expect_empty("after on_tokens threw");
  GenerateTrial longer = trial;
  longer.new_tokens += 1;
  exam.Case("");
  exam.ExpectRefusal("generate.cached", GenerateQuestion(longer),
                     "more new tokens than the caller's cache is made for");
  expect_empty("after another shape was refused");
  exam.AskStudent("cached.disable", {handle});
  exam.AskStudent("object.drop", {handle});
}

void CleansUp(Exam& exam) {
  // Greedy whatever top_k is.
  GenerateTrial trial =
      MakeGenerateTrial(exam, {}, {.temperature = 0, .top_k = 300}, "");
  Compare(exam, trial);
  ExpectNoCache(exam, trial, "after generating");
  for (const std::size_t step : {0, 4}) {
    const Values broken =
        exam.AskStudent("generate.cached", InterruptedQuestion(trial, step));
    exam.Case("on_tokens threw in the middle of generating");
    CompareNumber(exam, "the number of exceptions that reached the caller",
                  exam.Get<std::int64_t>(broken, 2), 1);
    ExpectNoCache(exam, trial, "after on_tokens threw");
    Compare(exam, trial);
  }
  LeavesTheCallersCache(exam, trial);
  const GenerateTrial padded =
      MakeGenerateTrial(exam, {.batch = 3, .left_padded = true}, {}, "");
  LeavesTheCallersCache(exam, padded);
  LeavesTheCallersCache(exam, Repeated(padded, 260));
  AsksForNoTokens(exam);
  ExpectNoCache(exam, trial, "after the caller's cache was disabled");
  exam.Case("");
  trial.new_tokens = 100;
  exam.ExpectRefusal("generate.cached", GenerateQuestion(trial),
                     "more new tokens than the model has positions for");
  ExpectNoCache(exam, trial, "after too many tokens were refused");
}

const RegisterChecks kGenerateCachedChecks({
    AllOrNothing("generate_cached.tokens", {"margin"}, SameTokens),
    AllOrNothing("generate_cached.batch", {"margin"}, SameBatches),
    AllOrNothing("generate_cached.options", {"margin"}, SameOptions),
    AllOrNothing("generate_cached.combined", {"margin"}, SameTogether),
    AllOrNothing("generate_cached.work", {"margin"}, RunsEachTokenOnce),
    AllOrNothing("generate_cached.cleans_up", {"margin", "tolerance"},
                 CleansUp),
});

}  // namespace

}  // namespace kvlab::grading
