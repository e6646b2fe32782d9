// The two roofs of a machine, measured on one thread: how fast it reads, and
// how fast it multiplies and adds. No product runs faster than both allow, and
// a percentage of them means the same on every machine; seconds do not.
// Source: Williams, Waterman & Patterson 2009, "Roofline: an insightful visual
// performance model", Communications of the ACM 52(4).
//
// A roof changes while other programs run. For a percentage, measure it by
// turns with what runs under it: kit/measure/share_of_roof.h.
#ifndef KVLAB_KIT_MEASURE_ROOFLINE_H_
#define KVLAB_KIT_MEASURE_ROOFLINE_H_

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace kvlab {

// Memory to read repeatedly: as many bytes as a program reads, where weights
// are as well (kit/tensor/weight_memory.h), so they fit in the same caches and
// on pages of the same size.
class ReadingRoof {
 public:
  static constexpr std::size_t kSmallestSet = 1024;  // bytes

  // Throws ContractError for fewer than kSmallestSet bytes.
  explicit ReadingRoof(std::size_t working_set_bytes);

  // Bytes per second at which they are read now, from the first to the last:
  // from the first-level cache, a later one or memory, wherever they fit. The
  // shortest of many runs, in the best of several ways: prefetched by the
  // hardware alone, as STREAM does, or by software at a distance that the
  // kernels use too. Takes 12 ms, or a dozen passes if these take longer.
  double BytesPerSecond() const;

 private:
  std::shared_ptr<std::byte> memory_;
  std::span<float> values_;
};

// The higher of two readings. Throws ContractError for fewer than 1024
// bytes.
double MeasureReadBandwidth(std::size_t working_set_bytes);

// FLOP per second of multiply-adds on registers, two FLOP each, with the
// instructions in use (kit/kernels/instruction_set.h: AVX2 or NEON unless
// others were chosen). The best of many short runs, within 10 ms.
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
