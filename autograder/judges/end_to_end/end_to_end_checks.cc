// The shipped checkpoint: module 2 on it, and all of a submission together.
#include <cstddef>
#include <string>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/difference.h"
#include "autograder/exam/inputs.h"
#include "autograder/judges/02_transformer/checkpoint_trial.h"
#include "autograder/judges/02_transformer/model_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kTokens = 24;

void LogitsOfCheckpoint(Exam& exam) {
  const TrialModel model = LoadCheckpoint(exam);
  const TrialTokens tokens = RandomPrompt(exam, kTokens);
  CompareForwards(exam, model.model.student, tokens,
                  ReferenceLogits(exam, model, tokens), {kTokens});
}

void CachedLogitsOfCheckpoint(Exam& exam) {
  const TrialModel model = LoadCheckpoint(exam);
  const TrialTokens tokens = RandomPrompt(exam, kTokens);
  exam.AskStudent("cached.enable",
                  {model.model, std::int64_t{1}, Int(kTokens)});
  CompareForwards(exam, model.model.student, tokens,
                  ReferenceLogits(exam, model, tokens), {9, 1, 1, 7, 1, 5});
}

void TokensOfCheckpoint(Exam& exam) {
  constexpr std::size_t kPromptLen = 6;
  constexpr std::size_t kNewTokens = 40;
  const TrialModel model = LoadCheckpoint(exam);
  const TrialTokens prompt = RandomPrompt(exam, kPromptLen);
  for (const std::string operation : {"generate.baseline", "generate.cached"}) {
    exam.Case(fmt::format(
        "{} tokens by {}", kNewTokens,
        operation == "generate.cached" ? "GenerateCached" : "Generate"));
    const Values answer = exam.AskStudent(
        operation, {model.model, prompt.ids, std::int64_t{1}, Integers(),
                    Int(kNewTokens), 0.0, std::int64_t{0}, std::int64_t{0}});
    CheckGreedyTokens(exam, model, prompt, exam.Get<Integers>(answer, 0),
                      kNewTokens);
  }
}

const RegisterChecks kEndToEndChecks({
    AllOrNothing("checkpoint.logits", {"tolerance"}, LogitsOfCheckpoint),
    AllOrNothing("checkpoint.cached_logits", {"tolerance"},
                 CachedLogitsOfCheckpoint),
    AllOrNothing("checkpoint.tokens", {"margin"}, TokensOfCheckpoint),
});

}  // namespace

}  // namespace kvlab::grading
