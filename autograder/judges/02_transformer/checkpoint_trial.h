// The shipped checkpoint, loaded by all answerers.
#ifndef KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_CHECKPOINT_TRIAL_H_
#define KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_CHECKPOINT_TRIAL_H_

#include <cstddef>

#include "autograder/exam/exam.h"
#include "autograder/judges/02_transformer/model_trial.h"
#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

// Its sizes, as far as checks need them.
inline constexpr std::size_t kCheckpointVocab = 1024;

// Student and reference load it.
TrialModel LoadCheckpoint(Exam& exam);

// One row of random ids.
TrialTokens RandomPrompt(Exam& exam, std::size_t seq_len);

// Throws CheckFailed unless `generated` are `new_tokens` tokens, each of which
// the reference would choose too, or one whose logit is at most the setting
// "margin" below the largest. Judged on the generated sequence itself, because
// two right programs may diverge after a near tie.
void CheckGreedyTokens(Exam& exam, const TrialModel& model,
                       const TrialTokens& prompt, const Integers& generated,
                       std::size_t new_tokens);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_CHECKPOINT_TRIAL_H_
