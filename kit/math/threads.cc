#include "kit/math/threads.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <string>

#include "kit/error.h"

namespace kvlab {
namespace {

std::atomic<std::size_t> wanted = 1;

// Whether this thread is already in a call of ForRanges.
thread_local bool inside = false;

}  // namespace

std::size_t Threads() { return wanted.load(std::memory_order_relaxed); }

void SetThreads(std::size_t threads) {
  if (threads == 0 || threads > kMostThreads) {
    throw ContractError(
        "SetThreads: " + std::to_string(threads) + " threads",
        "there is at least one, and each has a stack",
        "give a number from 1 to " + std::to_string(kMostThreads));
  }
  wanted.store(threads, std::memory_order_relaxed);
}

namespace internal {

void ForRanges(std::size_t count, RangeFunction function, const void* context) {
  const std::size_t threads = std::min(Threads(), count);
  if (threads <= 1 || inside) {
    function(context, 0, count);
    return;
  }
  // An exception may not leave a parallel region.
  std::exception_ptr thrown;
  const int team = static_cast<int>(threads);
#pragma omp parallel for num_threads(team) schedule(static, 1)
  for (int part = 0; part < team; ++part) {
    const auto me = static_cast<std::size_t>(part);
    inside = true;
    try {
      function(context, count * me / threads, count * (me + 1) / threads);
    } catch (...) {
#pragma omp critical
      thrown = std::current_exception();
    }
    inside = false;
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace internal
}  // namespace kvlab
