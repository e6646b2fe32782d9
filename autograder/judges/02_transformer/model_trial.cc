#include "autograder/judges/02_transformer/model_trial.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "autograder/exam/compare.h"
#include "autograder/exam/difference.h"
#include "fmt/format.h"
#include "fmt/ranges.h"

namespace kvlab::grading {

TrialModel MakeModel(Exam& exam, std::size_t max_positions,
                     const std::string& variant) {
  return MakeModel(exam, RandomGpt2Sizes(exam.Randomness(), max_positions),
                   variant);
}

TrialModel MakeModel(Exam& exam, const Gpt2Sizes& shape,
                     const std::string& variant, double epsilon) {
  TrialModel made = {.shape = shape};
  made.weights = exam.Make("weights.random", {RandomSeed(exam.Randomness()),
                                              shape.Sizes(), variant, epsilon});
  made.model = exam.Make("model.new", {made.weights});
  return made;
}

TrialTokens TrialTokens::Part(std::size_t begin, std::size_t end) const {
  return {.ids = Columns(ids, batch, begin, end),
          .batch = batch,
          .left_pad = left_pad};
}

TrialTokens RandomTrialTokens(Exam& exam, const TrialModel& model,
                              std::size_t batch, std::size_t seq_len) {
  return {.ids = RandomIds(exam.Randomness(), batch * seq_len,
                           model.shape.vocab_size),
          .batch = batch,
          .left_pad = {}};
}

Integers RandomLeftPad(Random& random, std::size_t batch, std::size_t seq_len) {
  Integers left_pad(batch, 0);
  for (std::size_t b = 0; b < batch; b += 2) {
    left_pad[b] = Int(Between(random, 1, seq_len - 1));
  }
  return left_pad;
}

Question ForwardQuestion(const Pair& model, const TrialTokens& tokens,
                         Positions positions) {
  return {model, tokens.ids, Int(tokens.batch), tokens.left_pad,
          std::int64_t{positions == Positions::kLast ? 1 : 0}};
}

Array ReferenceLogits(Exam& exam, const TrialModel& model,
                      const TrialTokens& tokens) {
  return exam.Get<Array>(
      exam.AskReference("model.forward",
                        ForwardQuestion(model.model, tokens, Positions::kAll)),
      0);
}

void ZeroPadding(Array& array, const Integers& left_pad, std::size_t first) {
  if (left_pad.empty()) return;
  const std::size_t seq_len = array.shape[1];
  const std::size_t row = array.values.size() / array.shape[0];
  for (std::size_t b = 0; b < array.shape[0]; ++b) {
    const auto pad = static_cast<std::size_t>(left_pad[b]);
    const std::size_t padded = std::clamp(pad, first, first + seq_len) - first;
    std::fill_n(array.values.begin() + Int(b * row), padded * (row / seq_len),
                0.0F);
  }
}

std::string PiecesText(const std::vector<std::size_t>& pieces) {
  return fmt::format("{}", fmt::join(pieces, " + "));
}

void CompareForwards(Exam& exam, Handle student_model,
                     const TrialTokens& tokens, const Array& expected,
                     const std::vector<std::size_t>& pieces,
                     std::size_t first) {
  std::size_t begin = 0;
  for (const std::size_t piece : pieces) {
    exam.Case(fmt::format(
        "batch {}{}, tokens in pieces of {}, the piece of {} "
        "after {}",
        tokens.batch, tokens.left_pad.empty() ? "" : ", left padded",
        PiecesText(pieces), piece, first + begin));
    const Values answer = exam.AskStudent(
        "model.forward",
        ForwardQuestion({student_model, {}}, tokens.Part(begin, begin + piece),
                        Positions::kAll));
    Array logits = exam.Get<Array>(answer, 0);
    Array right = Slice(expected, 1, begin, begin + piece);
    if (logits.shape == right.shape) {
      ZeroPadding(logits, tokens.left_pad, first + begin);
      ZeroPadding(right, tokens.left_pad, first + begin);
    }
    CompareArrays(exam, logits, right, kLogitAxes);
    begin += piece;
  }
}

}  // namespace kvlab::grading
