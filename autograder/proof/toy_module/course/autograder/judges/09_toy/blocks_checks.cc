// Module 9, tasks 9.1 and 9.2.
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/exam.h"
#include "autograder/exam/inputs.h"

namespace kvlab::grading {
namespace {

// Random numbers of tokens, some of which fill their blocks.
void Compare(Exam& exam, const std::string& operation,
             const std::string& what) {
  Random& random = exam.Randomness();
  for (int round = 0; round < 20; ++round) {
    const std::size_t block_size = Between(random, 2, 300);
    const std::size_t more = round % 4 == 0 ? 0 : Between(random, 1, 299);
    const std::size_t tokens =
        block_size * Between(random, 0, 3000) + more % block_size;
    exam.Case("tokens in blocks");
    const Answers answers =
        exam.AskBoth(operation, {Int(tokens), Int(block_size)});
    CompareNumber(exam, what, exam.Get<std::int64_t>(answers.student, 0),
                  std::get<std::int64_t>(answers.reference.at(0)));
  }
}

void Blocks(Exam& exam) { Compare(exam, "blocks.count", "the blocks"); }

void Slots(Exam& exam) {
  Compare(exam, "blocks.empty_slots", "the empty slots");
}

const RegisterChecks kBlocksChecks({AllOrNothing("blocks.count", {}, Blocks),
                                    AllOrNothing("blocks.empty", {}, Slots)});

}  // namespace
}  // namespace kvlab::grading
