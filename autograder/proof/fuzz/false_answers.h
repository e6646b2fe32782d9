// Falsifies a student's replies by a script.
#ifndef KVLAB_AUTOGRADER_PROOF_FUZZ_FALSE_ANSWERS_H_
#define KVLAB_AUTOGRADER_PROOF_FUZZ_FALSE_ANSWERS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

class FalseAnswers {
 public:
  // Each byte makes one choice; after the last, all answers are honest.
  explicit FalseAnswers(std::span<const std::uint8_t> script)
      : script_(script) {}

  // The reply as it is, or with another status, other values, numbers or
  // shapes: anything that the checker could read from a worker's pipe.
  Reply Next(Reply honest);

 private:
  std::uint8_t NextByte();
  std::int64_t NextInteger();
  Value NextValue();
  void ChangeValues(Values& values);
  void ChangeNumber(Value& value);
  void ChangeShape(Value& value);

  std::span<const std::uint8_t> script_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_FUZZ_FALSE_ANSWERS_H_
