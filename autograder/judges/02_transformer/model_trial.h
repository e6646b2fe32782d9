// Small random models that student and reference both have.
#ifndef KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_MODEL_TRIAL_H_
#define KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_MODEL_TRIAL_H_

#include <cstddef>
#include <string>
#include <vector>

#include "autograder/exam/exam.h"
#include "autograder/exam/inputs.h"
#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

struct TrialModel {
  Gpt2Sizes shape;
  Pair weights = {};
  Pair model = {};
};

//   variant: words for weights.random, such as "no_positions"
TrialModel MakeModel(Exam& exam, std::size_t max_positions,
                     const std::string& variant);
// The same with all sizes given, and the epsilon of its layer norms.
TrialModel MakeModel(Exam& exam, const Gpt2Sizes& shape,
                     const std::string& variant, double epsilon = 1e-5);

// Token ids [batch, seq_len] and how much of each row is padding.
struct TrialTokens {
  Integers ids;
  std::size_t batch = 0;
  Integers left_pad;

  std::size_t SeqLen() const { return ids.size() / batch; }
  // Columns [begin, end) of all rows; left_pad stays.
  TrialTokens Part(std::size_t begin, std::size_t end) const;
};

TrialTokens RandomTrialTokens(Exam& exam, const TrialModel& model,
                              std::size_t batch, std::size_t seq_len);

// Padding of the first row, none in the second, padding in the third.
Integers RandomLeftPad(Random& random, std::size_t batch, std::size_t seq_len);

enum class Positions { kAll, kLast };

// model.forward as a question.
Question ForwardQuestion(const Pair& model, const TrialTokens& tokens,
                         Positions positions);

// Logits [batch, seq_len, vocab] of the reference, computed without a cache.
Array ReferenceLogits(Exam& exam, const TrialModel& model,
                      const TrialTokens& tokens);

// Sets the padding to 0, since it is never read. [batch, seq_len, ...]; column
// 0 of the array is column `first` of the sequence.
void ZeroPadding(Array& array, const Integers& left_pad, std::size_t first);

// Forwards `tokens` piece by piece through the student's model and compares
// each piece's logits with those of `expected` [batch, seq_len, vocab]. Padding
// is not compared. The tokens are those from column `first` of a sequence on.
void CompareForwards(Exam& exam, Handle student_model,
                     const TrialTokens& tokens, const Array& expected,
                     const std::vector<std::size_t>& pieces,
                     std::size_t first = 0);

// "3 + 1 + 1"
std::string PiecesText(const std::vector<std::size_t>& pieces);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_MODEL_TRIAL_H_
