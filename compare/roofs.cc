#include "compare/roofs.h"

#include <immintrin.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <chrono>
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

namespace kvlab {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Both loops end in a number, or the compiler would leave them out.
volatile float sink;

constexpr std::size_t kLine = 64;           // bytes
constexpr std::size_t kFloatsPerLine = 16;  // float32
constexpr std::size_t kLinesPerStep = 8;

// Registers are in plain arrays below: for std::array<__m512, n> GCC warns that
// it ignores an attribute of the type.

// Prefetching beyond the end reads nothing: it is a hint, and cannot fault.
void Prefetch(const float* from, std::size_t bytes_ahead) {
  _mm_prefetch(reinterpret_cast<const char*>(from) + bytes_ahead, _MM_HINT_T0);
}

__attribute__((target("avx512f"))) float ReadAvx512(
    std::span<const float> values, std::size_t bytes_ahead) {
  __m512 sums[kLinesPerStep];  // NOLINT(modernize-avoid-c-arrays)
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  constexpr std::size_t kStep = kLinesPerStep * kFloatsPerLine;
  for (std::size_t i = 0; i + kStep <= values.size(); i += kStep) {
#pragma GCC unroll 8
    for (std::size_t line = 0; line < kLinesPerStep; ++line) {
      const float* from = values.data() + i + line * kFloatsPerLine;
      if (bytes_ahead > 0) Prefetch(from, bytes_ahead);
      sums[line] = _mm512_add_ps(sums[line], _mm512_loadu_ps(from));
    }
  }
  for (const __m512& sum : sums) sums[0] = _mm512_add_ps(sums[0], sum);
  // GCC 12 warns of its own _mm512_reduce_add_ps.
  std::array<float, kFloatsPerLine> parts{};
  _mm512_storeu_ps(parts.data(), sums[0]);
  return parts[0] + parts[kFloatsPerLine - 1];
}

float ReadAvx2(std::span<const float> values, std::size_t bytes_ahead) {
  __m256 sums[kLinesPerStep];  // NOLINT(modernize-avoid-c-arrays)
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  constexpr std::size_t kStep = kLinesPerStep * kFloatsPerLine;
  for (std::size_t i = 0; i + kStep <= values.size(); i += kStep) {
#pragma GCC unroll 8
    for (std::size_t line = 0; line < kLinesPerStep; ++line) {
      const float* from = values.data() + i + line * kFloatsPerLine;
      if (bytes_ahead > 0) Prefetch(from, bytes_ahead);
      sums[line] = _mm256_add_ps(
          sums[line],
          _mm256_add_ps(_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)));
    }
  }
  for (const __m256& sum : sums) sums[0] = _mm256_add_ps(sums[0], sum);
  std::array<float, 8> parts{};
  _mm256_storeu_ps(parts.data(), sums[0]);
  return parts[0] + parts[1];
}

// Multiply-adds before the threads synchronise again: about a millisecond,
// which makes synchronising negligible.
constexpr std::size_t kRounds = 1000000;

bool HasAvx512() { return BestInstructionSet() == InstructionSet::kAvx512; }

// Seconds of the median of many turns of all threads, from the moment all may
// start to the moment the last is done.
double MedianTurn(std::size_t threads, double seconds,
                  const std::function<void(std::size_t thread)>& work) {
  const Clock::time_point begin = Clock::now();
  Clock::time_point start = begin;
  std::vector<double> turns_s;
  bool more = true;
  bool running = false;  // every second barrier ends a turn
  const auto take_time = [&]() noexcept {
    if (running) {
      turns_s.push_back(SecondsSince(start));
      more = SecondsSince(begin) < seconds;
    }
    running = !running;
    start = Clock::now();
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
  const auto middle =
      turns_s.begin() + static_cast<std::ptrdiff_t>(turns_s.size() / 2);
  std::ranges::nth_element(turns_s, middle);
  return *middle;
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
  const auto read = HasAvx512() ? ReadAvx512 : ReadAvx2;
  constexpr std::array<std::size_t, 4> kBytesAhead = {0, 8 * kLine, 32 * kLine,
                                                      96 * kLine};
  const std::size_t part =
      values.size() / threads / kFloatsPerLine * kFloatsPerLine;
  // Small buffers several times a turn: starting the threads takes time too.
  constexpr std::size_t kBytesPerTurn = 32U << 20U;
  const std::size_t repeats =
      std::max<std::size_t>(1, kBytesPerTurn / values.size_bytes());
  double best_s = std::numeric_limits<double>::infinity();
  for (const std::size_t ahead : kBytesAhead) {
    best_s = std::min(
        best_s, MedianTurn(threads, seconds / kBytesAhead.size(),
                           [&](std::size_t thread) {
                             for (std::size_t i = 0; i < repeats; ++i) {
                               sink = read(values.subspan(thread * part, part),
                                           ahead);
                             }
                           }));
  }
  return static_cast<double>(repeats * threads * part * sizeof(float)) / best_s;
}

double MeasureMultiplyAdd(std::size_t threads, double seconds) {
  const kernels::Kernels& widest =
      HasAvx512() ? kernels::kAvx512Kernels : kernels::kAvx2Kernels;
  const double median_s =
      MedianTurn(threads, seconds, [&](std::size_t /*thread*/) {
        sink = widest.multiply_add(kRounds, 0.5F);
      });
  return static_cast<double>(kRounds * widest.flop_per_round * threads) /
         median_s;
}

}  // namespace kvlab
