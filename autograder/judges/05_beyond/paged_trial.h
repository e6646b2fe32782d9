// A paged cache of the student's beside its plain model: called alike, compared
// whenever a check asks.
#ifndef KVLAB_AUTOGRADER_JUDGES_05_BEYOND_PAGED_TRIAL_H_
#define KVLAB_AUTOGRADER_JUDGES_05_BEYOND_PAGED_TRIAL_H_

#include <cstddef>
#include <string>
#include <vector>

#include "autograder/exam/exam.h"
#include "autograder/exam/inputs.h"
#include "autograder/machine/protocol/value.h"
#include "kit/model/random.h"
#include "modules/05_beyond/page_model.h"

namespace kvlab::grading {

// Sizes as module 5's PageShape.
struct TrialPageShape {
  std::size_t num_blocks = 0;
  std::size_t block_size = 0;
  std::size_t layers = 0;
  std::size_t heads = 0;  // of keys and values
  std::size_t head_dim = 0;

  Integers Sizes() const;
  std::size_t Tokens() const { return num_blocks * block_size; }
};

// Blocks of 3 to 6 tokens, 2 or 3 layers, 2 heads.
TrialPageShape RandomPageShape(Random& random, std::size_t num_blocks);

// "8 blocks of 4 tokens"
std::string ShapeText(const TrialPageShape& shape);

// One row of an append.
struct TrialRow {
  std::size_t sequence = 0;
  std::size_t new_len = 0;
};

// Functions by which a cache finds kept prompts, as paged.new takes them.
enum class TrialHash {
  kOwn,         // the student's
  kAlwaysZero,  // the others collide
  kLowBytes,
  kWithoutParent,
};

class PagedTrial {
 public:
  PagedTrial(Exam& exam, const TrialPageShape& shape,
             TrialHash hash = TrialHash::kOwn);

  const TrialPageShape& Shape() const { return shape_; }
  const PageModel& Model() const { return model_; }
  Handle Cache() const { return cache_; }

  // The beginning of the messages from now on, as Exam::Case.
  void Case(const std::string& about);

  std::size_t Start();
  std::size_t Fork(std::size_t sequence);
  std::size_t StartWith(const Integers& prompt);
  // Extends all rows and writes all layers; keys and values are random and
  // padding is other numbers. If the model's pool is too small, the student has
  // to refuse instead. Returns whether there was room.
  bool Append(const std::vector<TrialRow>& rows);
  // Writes a block of padding for rows that a Truncate or Fork has left nothing
  // to write for: no token may change.
  void WritePadding(const std::vector<std::size_t>& rows);
  void Truncate(std::size_t sequence, std::size_t past_len);
  void Release(std::size_t sequence);
  void Release(const std::vector<std::size_t>& sequences);
  void Keep(std::size_t sequence, const Integers& tokens);
  void ForgetKept();

  // Throws CheckFailed unless the counts and owners are right, and every
  // sequence holds its own tokens.
  void Compare();
  // The same for one layer's attention of random queries.
  //   rows  sequences in the order of the batch
  void CompareAttention(const std::vector<std::size_t>& rows,
                        std::size_t query_heads, std::size_t new_len);
  // Releases everything, compares, and fills the whole pool once more.
  void CompareNothingLeft();

  std::size_t Len(std::size_t sequence) const {
    return model_.Rows(sequence).size();
  }
  std::size_t FreeBlocks() const {
    return shape_.num_blocks - model_.BlocksInUse();
  }
  // One of the sequences, of which there must be one; one of the newest four
  // half of the time.
  std::size_t AnySequence();
  // Some of them in random order: half of the newest four, and of the others
  // half of a few, about four of many.
  std::vector<std::size_t> SomeSequences();
  // Those with random numbers of new tokens.
  std::vector<TrialRow> RandomRows();

 private:
  // Keys and values of one token, all layers and heads.
  struct Token {
    std::vector<float> keys;
    std::vector<float> values;
  };

  // `answer` has what was read of the sequence from index `at` on.
  void CompareSequence(std::size_t sequence, const Integers& owners,
                       const Values& answer, std::size_t at);
  std::size_t NewSequence(const Values& answer, std::size_t expected);
  // Both of one layer, [heads, tokens, head_dim].
  Array Held(std::size_t sequence, std::size_t layer,
             std::vector<float> Token::*part) const;

  Exam& exam_;
  TrialPageShape shape_;
  Handle cache_;
  PageModel model_;
  std::vector<Token> tokens_;  // by PageModel::Row
  std::string about_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_05_BEYOND_PAGED_TRIAL_H_
