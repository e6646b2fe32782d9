#include "modules/03_memoization/locked_memory.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <span>
#include <vector>

#include "gtest/gtest.h"

namespace kvlab {
namespace {

struct Pages {
  void* begin = nullptr;
  std::size_t bytes = 0;
};

// The pages entirely inside `memory`: its neighbours stay accessible.
Pages WholePages(std::span<const float> memory) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = std::bit_cast<std::uintptr_t>(memory.data());
  const std::uintptr_t begin = (first + page - 1) / page * page;
  const std::uintptr_t end = (first + memory.size_bytes()) / page * page;
  if (end <= begin) return {};
  return {std::bit_cast<void*>(begin), end - begin};
}

// Runs in the child, whose exit status is the result.
enum : int { kAlone = 0, kThrew = 1, kNotLocked = 2 };

int RunLocked(const std::vector<Pages>& locked,
              const std::function<void()>& action) {
  // A handler of these signals may itself read the memory.
  std::signal(SIGSEGV, SIG_DFL);
  std::signal(SIGBUS, SIG_DFL);
  for (const Pages& pages : locked) {
    if (mprotect(pages.begin, pages.bytes, PROT_NONE) != 0) return kNotLocked;
  }
  try {
    action();
  } catch (const std::exception&) {
    return kThrew;
  }
  return kAlone;
}

}  // namespace

::testing::AssertionResult LeavesAlone(
    const std::vector<std::span<const float>>& memory,
    const std::function<void()>& action) {
  std::vector<Pages> locked;
  for (const std::span<const float>& floats : memory) {
    const Pages pages = WholePages(floats);
    if (pages.bytes > 0) locked.push_back(pages);
  }
  if (locked.empty()) {
    return ::testing::AssertionFailure() << "there is no whole page to lock";
  }
  const pid_t child = fork();
  if (child == 0) _exit(RunLocked(locked, action));
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) {
    return ::testing::AssertionFailure() << "no process could be started";
  }
  if (WIFSIGNALED(status)) {
    return ::testing::AssertionFailure()
           << "it read or wrote memory that it must leave alone";
  }
  switch (WEXITSTATUS(status)) {
    case kAlone:
      return ::testing::AssertionSuccess();
    case kThrew:
      return ::testing::AssertionFailure() << "it threw an exception";
    default:
      return ::testing::AssertionFailure() << "the memory cannot be locked";
  }
}

}  // namespace kvlab
