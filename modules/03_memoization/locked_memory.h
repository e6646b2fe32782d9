// Checks that code does not touch memory. Test only.
#ifndef KVLAB_MODULES_03_MEMOIZATION_LOCKED_MEMORY_H_
#define KVLAB_MODULES_03_MEMOIZATION_LOCKED_MEMORY_H_

#include <functional>
#include <span>
#include <vector>

#include "gtest/gtest.h"

namespace kvlab {

// Runs `action` in a child process in which the whole pages of `memory` are
// locked: a read or write of them ends the child. This tests "it is O(1)"
// without a clock. The effects of `action` are not visible in this process.
// Fails if the child ended early, if `action` threw, or if there is no whole
// page.
::testing::AssertionResult LeavesAlone(
    const std::vector<std::span<const float>>& memory,
    const std::function<void()>& action);

}  // namespace kvlab

#endif  // KVLAB_MODULES_03_MEMOIZATION_LOCKED_MEMORY_H_
