#include "compare/roofs.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <limits>
#include <new>
#include <span>
#include <thread>
#include <vector>

#include "kit/kernels/instruction_set.h"
#include "kit/kernels/kernels.h"
#include "kit/math/median.h"
#include "kit/measure/stopwatch.h"

namespace kvlab {
namespace {

// Both loops end in a number, or the compiler would leave them out.
volatile float sink;

constexpr std::size_t kLine = 64;           // bytes
constexpr std::size_t kFloatsPerLine = 16;  // float32

// From the smallest instruction set to the widest: either may read faster.
std::vector<const kernels::Kernels*> AllKernels() {
  std::vector<const kernels::Kernels*> all;
  for (const InstructionSet set : SupportedInstructionSets()) {
    all.push_back(&KernelsOf(set));
  }
  return all;
}

// Multiply-adds before the threads synchronise again: about a millisecond,
// which makes synchronising negligible.
constexpr std::size_t kRounds = 1000000;

// Seconds of the median of many turns of all threads, from the moment all may
// start to the moment the last is done.
double MedianTurn(std::size_t threads, double seconds,
                  const std::function<void(std::size_t thread)>& work) {
  const Stopwatch all;
  Stopwatch turn;
  std::vector<double> turns_s;
  bool more = true;
  bool running = false;  // every second barrier ends a turn
  const auto take_time = [&]() noexcept {
    if (running) {
      turns_s.push_back(turn.Seconds());
      more = all.Seconds() < seconds;
    }
    running = !running;
    turn.Restart();
  };
  std::barrier barrier(static_cast<std::ptrdiff_t>(threads), take_time);
  const auto turns = [&](std::size_t thread) {
    while (more) {
      barrier.arrive_and_wait();
      work(thread);
      barrier.arrive_and_wait();
    }
  };
  std::vector<std::jthread> others;
  for (std::size_t t = 1; t < threads; ++t) others.emplace_back(turns, t);
  turns(0);
  others.clear();  // joins them
  return Median(turns_s);
}

}  // namespace

ReadBuffer::ReadBuffer(std::size_t bytes) {
  constexpr std::size_t kHugePage = 2U << 20U;
  const std::size_t size = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  void* const memory = std::aligned_alloc(kHugePage, size);
  if (memory == nullptr) throw std::bad_alloc();
  madvise(memory, size, MADV_HUGEPAGE);  // a hint; slower without
  values_ = {static_cast<float*>(memory), bytes / sizeof(float)};
  std::ranges::fill(values_, 1.0F);
}

ReadBuffer::~ReadBuffer() { std::free(values_.data()); }

double MeasureReading(std::span<const float> values, std::size_t threads,
                      double seconds) {
  constexpr std::array<std::size_t, 4> kBytesAhead = {0, 8 * kLine, 32 * kLine,
                                                      128 * kLine};
  const std::size_t part =
      values.size() / threads / kFloatsPerLine * kFloatsPerLine;
  // Small buffers several times a turn: starting the threads takes time too.
  constexpr std::size_t kBytesPerTurn = 32U << 20U;
  const std::size_t repeats =
      std::max<std::size_t>(1, kBytesPerTurn / values.size_bytes());
  const std::vector<const kernels::Kernels*> sets = AllKernels();
  const double turn_s =
      seconds / static_cast<double>(sets.size() * kBytesAhead.size());
  double best_s = std::numeric_limits<double>::infinity();
  for (const kernels::Kernels* const set : sets) {
    for (const std::size_t ahead : kBytesAhead) {
      const auto read = [&](std::size_t thread) {
        for (std::size_t i = 0; i < repeats; ++i) {
          sink = set->read_all(values.subspan(thread * part, part), ahead);
        }
      };
      best_s = std::min(best_s, MedianTurn(threads, turn_s, read));
    }
  }
  return static_cast<double>(repeats * threads * part * sizeof(float)) / best_s;
}

double MeasureMultiplyAdd(std::size_t threads, double seconds) {
  const kernels::Kernels& widest = *AllKernels().back();
  const double median_s =
      MedianTurn(threads, seconds, [&](std::size_t /*thread*/) {
        sink = widest.multiply_add(kRounds, 0.5F);
      });
  return static_cast<double>(kRounds * widest.flop_per_round * threads) /
         median_s;
}

}  // namespace kvlab
