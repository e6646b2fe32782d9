// Shared by the modules' benchmarks: loops that report tokens, bytes and FLOPs
// per second, and the percentage of this machine's roofs.
#ifndef KVLAB_KIT_MEASURE_BENCHMARKING_H_
#define KVLAB_KIT_MEASURE_BENCHMARKING_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "benchmark/benchmark.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

// The work of one iteration, in any implementation.
struct IterationCost {
  std::size_t tokens = 0;
  // Distinct bytes that must be read; 0 if reading is not the limit.
  std::size_t bytes = 0;
};

// The loop of a benchmark. Counters:
//   tokens_per_second, bytes_per_second
//   percent_of_bandwidth   of what cost.bytes can be read at
//                          (kit/measure/roofline.h)
//   percent_of_flop_peak   of MeasureFlopPeak(); 2 FLOP for each MAC that the
//                          kernels counted
// All refer to CPU time, so other programs on this core do not distort them.
// Percentages are measured after the loop, in five turns of the roofs and the
// body: ShareOfRoof has the rule, and one that is not measurable now is named
// in the benchmark's label instead. `body` runs once before the clock starts.
// If it throws, the benchmark is reported as failed with the error's text, and
// the others continue.
void MeasureLoop(benchmark::State& state, const IterationCost& cost,
                 const std::function<void()>& body);

// Runs `action`; false if it threw, after reporting why to `state`.
bool Succeeds(benchmark::State& state, const std::function<void()>& action);

// CPU time of this thread, in seconds, that `action` takes.
double CpuTime(const std::function<void()>& action);

// The model of --model, by default models/shakespeare-gpt2, loaded once.
// Throws DataError if it cannot be read.
std::shared_ptr<const Gpt2Weights> BenchmarkModel();

// The tokens that the shipped model was not trained on: the last 5 % of the
// text of --text, by default kit/testdata/tinyshakespeare/input.txt, as the
// model's tokenizer cuts it. Throws DataError if either cannot be read.
std::vector<TokenId> HeldOutTokens();

// Bytes of the weights that a decode step reads: all but the position table.
std::size_t StepWeightBytes(const Gpt2Weights& weights);

}  // namespace kvlab

#endif  // KVLAB_KIT_MEASURE_BENCHMARKING_H_
