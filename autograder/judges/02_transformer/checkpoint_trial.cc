#include "autograder/judges/02_transformer/checkpoint_trial.h"

#include <cstddef>

#include "autograder/exam/inputs.h"
#include "autograder/judges/02_transformer/generate_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {

TrialModel LoadCheckpoint(Exam& exam) {
  const CheckpointPlaces& places = exam.Checkpoint();
  TrialModel loaded = {.shape = {.vocab_size = kCheckpointVocab}};
  loaded.weights = {.student = exam.Get<Handle>(
                        exam.AskStudent("weights.load", {places.in_worker}), 0),
                    .reference = exam.Get<Handle>(
                        exam.AskReference("weights.load", {places.here}), 0)};
  loaded.model = exam.Make("model.new", {loaded.weights});
  return loaded;
}

TrialTokens RandomPrompt(Exam& exam, std::size_t seq_len) {
  return {.ids = RandomIds(exam.Randomness(), seq_len, kCheckpointVocab),
          .batch = 1,
          .left_pad = {}};
}

void CheckGreedyTokens(Exam& exam, const TrialModel& model,
                       const TrialTokens& prompt, const Integers& generated,
                       std::size_t new_tokens) {
  if (generated.size() != new_tokens) {
    exam.Fail(fmt::format("{} tokens came back, {} were asked for",
                          generated.size(), new_tokens));
  }
  for (const std::int64_t id : generated) {
    if (id < 0 || id >= Int(kCheckpointVocab)) {
      exam.Fail("a token came back that is not in the vocabulary");
    }
  }
  TrialTokens whole = prompt;
  whole.ids.insert(whole.ids.end(), generated.begin(), generated.end());
  const Array logits = ReferenceLogits(exam, model, whole);
  const double gap = WorstGap(logits, prompt.SeqLen(), generated, 1);
  if (gap > exam.Setting("margin")) {
    exam.Fail("a token came back that is not the one with the largest logit");
  }
}

}  // namespace kvlab::grading
