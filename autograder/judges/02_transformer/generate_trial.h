// Prompts whose continuation does not depend on rounding.
#ifndef KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_GENERATE_TRIAL_H_
#define KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_GENERATE_TRIAL_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "autograder/exam/exam.h"
#include "autograder/judges/02_transformer/model_trial.h"
#include "autograder/judges/02_transformer/sampling_trial.h"
#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

struct GenerateTrial {
  TrialModel model;
  TrialTokens prompt;
  std::size_t new_tokens = 0;
  Sampling sampling;
  std::int64_t seed = 0;
  Integers expected;  // [batch, new_tokens], by the reference's baseline
};

struct GenerateSizes {
  std::size_t batch = 1;
  std::size_t prompt_len = 5;
  std::size_t new_tokens = 8;
  bool left_padded = false;
  // Positions that the model has beyond the last token.
  std::size_t spare_positions = 3;
};

// Draws models, prompts and seeds until every choice of the reference is clear
// by the setting "margin", and no row's continuation can be computed from the
// last token alone. Throws GraderError if none is found.
GenerateTrial MakeGenerateTrial(Exam& exam, const GenerateSizes& sizes,
                                const Sampling& sampling,
                                const std::string& variant);

// A greedy trial of `batch` rows that repeats the rows of `trial`. All of its
// choices are clear; hundreds of random rows never would be.
GenerateTrial Repeated(GenerateTrial trial, std::size_t batch);

// The arguments of generate.baseline and generate.cached.
Question GenerateQuestion(const GenerateTrial& trial);
// The same, with an on_tokens that throws at `step`.
Question InterruptedQuestion(const GenerateTrial& trial, std::size_t step);

// Throws CheckFailed unless `operation` returns the expected tokens, and hands
// the same tokens to on_tokens step by step.
void CompareGeneration(Exam& exam, const std::string& operation,
                       const GenerateTrial& trial);

// The same, and throws CheckFailed unless exactly `tokens` tokens of each row
// went through the layers meanwhile, counted by the products that make queries,
// keys and values.
void CompareGenerationWork(Exam& exam, const std::string& operation,
                           const GenerateTrial& trial, std::size_t tokens,
                           const std::string& hint);

// The largest distance of a generated token's logit below the largest logit, by
// the reference's logits on the generated sequence itself: 0 for a greedy
// choice that the reference would make too.
//   logits: [batch, prompt_len + new_tokens, vocab]
double WorstGap(const Array& logits, std::size_t prompt_len,
                const Integers& generated, std::size_t batch);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_GENERATE_TRIAL_H_
