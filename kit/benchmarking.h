// What the modules' benchmarks share: loops that report tokens, bytes and
// FLOPs per second and what part of this machine's roofs that is.
#ifndef KVLAB_KIT_BENCHMARKING_H_
#define KVLAB_KIT_BENCHMARKING_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "benchmark/benchmark.h"
#include "kit/gpt2_weights.h"

namespace kvlab {

// What one iteration has to do, however it is done.
struct IterationCost {
  std::size_t tokens = 0;
  // Distinct bytes that must be read; 0 if that is not what limits.
  std::size_t bytes = 0;
};

// The loop of a benchmark. Counters:
//   tokens_per_second, bytes_per_second
//   percent_of_bandwidth   of MeasureReadBandwidth(cost.bytes)
//   percent_of_flop_peak   of MeasureFlopPeak(); 2 FLOP for each MAC that the
//                          kernels counted
// All refer to CPU time, so another program on this core does not blur them.
// `body` runs once before the clock starts. If it throws, the benchmark is
// reported as failed with what the error says, and the others go on.
void MeasureLoop(benchmark::State& state, const IterationCost& cost,
                 const std::function<void()>& body);

// Runs `action`; false if it threw, after telling `state` why.
bool Succeeds(benchmark::State& state, const std::function<void()>& action);

// CPU time of this thread, in seconds, that `action` takes.
double CpuTime(const std::function<void()>& action);

// The model of --model, by default models/shakespeare-gpt2, loaded once.
// Throws DataError if it cannot be read.
std::shared_ptr<const Gpt2Weights> BenchmarkModel();

// Bytes of the weights that a decode step reads: all but the position table.
std::size_t StepWeightBytes(const Gpt2Weights& weights);

}  // namespace kvlab

#endif  // KVLAB_KIT_BENCHMARKING_H_
