// Module 9 as operations.
#include <cstddef>
#include <cstdint>

#include "autograder/exam/arguments.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "modules/09_toy/blocks.h"

namespace kvlab::grading {
namespace {

// blocks.count(tokens, block_size) -> blocks
Values Count(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const std::size_t tokens = arguments.NextSize();
  return {static_cast<std::int64_t>(BlocksFor(tokens, arguments.NextSize()))};
}

// blocks.empty_slots(tokens, block_size) -> slots
Values Empty(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const std::size_t tokens = arguments.NextSize();
  return {static_cast<std::int64_t>(EmptySlots(tokens, arguments.NextSize()))};
}

const RegisterOperation kCount("blocks.count", Count);
const RegisterOperation kEmpty("blocks.empty_slots", Empty);

}  // namespace
}  // namespace kvlab::grading
