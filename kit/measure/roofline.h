// The two roofs of a machine, measured on one thread: how fast it reads, and
// how fast it multiplies and adds. No product runs faster than both allow, and
// a percentage of them means the same on every machine; seconds do not.
// Source: Williams, Waterman & Patterson 2009, "Roofline: an insightful visual
// performance model", Communications of the ACM 52(4).
#ifndef KVLAB_KIT_MEASURE_ROOFLINE_H_
#define KVLAB_KIT_MEASURE_ROOFLINE_H_

#include <cstddef>
#include <span>
#include <vector>

namespace kvlab {

// Bytes per second at which this many bytes are read repeatedly: from the
// first-level cache, a later one or memory, wherever they fit. One loop from
// the first byte to the last, prefetched by the hardware alone, as STREAM and
// similar benchmarks do: the best of many short runs for each of five buffers,
// and their median, within half a second.
// Throws ContractError for fewer than 1024 bytes.
double MeasureReadBandwidth(std::size_t working_set_bytes);

// FLOP per second of multiply-adds on registers, of the instruction set in use
// (AVX2 or NEON unless another was chosen), two FLOP each. The best of many
// short runs, within a tenth of a second.
double MeasureFlopPeak();

struct BandwidthAt {
  std::size_t working_set_bytes = 0;
  double bytes_per_s = 0;
};

struct MachineRoofs {
  std::vector<BandwidthAt> bandwidths;  // by ascending working set
  double flop_per_s = 0;
};

// Both roofs, the bandwidth at each of these working sets. Throws ContractError
// for none, for sets that are not ascending, and as MeasureReadBandwidth does.
MachineRoofs MeasureRoofs(std::span<const std::size_t> working_sets_bytes);

}  // namespace kvlab

#endif  // KVLAB_KIT_MEASURE_ROOFLINE_H_
