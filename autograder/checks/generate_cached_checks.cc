// Module 3, task 3.8: the same tokens as the baseline, with a cache.
#include <cstddef>
#include <string>

#include "autograder/checks/check_groups.h"
#include "autograder/checks/compare.h"
#include "autograder/checks/generate_trial.h"
#include "autograder/checks/inputs.h"
#include "autograder/checks/model_trial.h"

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

// The prompt once, then each new token once; the last is never fed back.
void RunsEachTokenOnce(Exam& exam) {
  const GenerateTrial trial = MakeGenerateTrial(exam, {.batch = 2}, {}, "");
  CompareGenerationWork(exam, "generate.cached", trial,
                        trial.prompt.SeqLen() + trial.new_tokens - 1,
                        "the prompt runs through the model once, and each new "
                        "token but the last once");
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

void CleansUp(Exam& exam) {
  GenerateTrial trial = MakeGenerateTrial(exam, {}, {}, "");
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
  exam.Case("");
  trial.new_tokens = 100;
  exam.ExpectRefusal("generate.cached", GenerateQuestion(trial),
                     "more new tokens than the model has positions for");
  ExpectNoCache(exam, trial, "after too many tokens were refused");
}

}  // namespace

Checks GenerateCachedChecks() {
  return {
      AllOrNothing("generate_cached.tokens", {"margin"}, SameTokens),
      AllOrNothing("generate_cached.batch", {"margin"}, SameBatches),
      AllOrNothing("generate_cached.options", {"margin"}, SameOptions),
      AllOrNothing("generate_cached.work", {"margin"}, RunsEachTokenOnce),
      AllOrNothing("generate_cached.cleans_up", {"margin", "tolerance"},
                   CleansUp),
  };
}

}  // namespace kvlab::grading
