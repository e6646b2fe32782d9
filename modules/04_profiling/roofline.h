// Module 4: the limits of a machine. No program computes faster than the
// processor multiplies, nor faster than memory delivers the operands.
// Source: Williams, Waterman & Patterson 2009, "Roofline: an insightful visual
// performance model", Communications of the ACM 52(4).
#ifndef KVLAB_MODULES_04_PROFILING_ROOFLINE_H_
#define KVLAB_MODULES_04_PROFILING_ROOFLINE_H_

#include <cstdint>

#include "kit/math/work.h"
#include "kit/measure/roofline.h"
#include "modules/04_profiling/cost.h"

namespace kvlab {

// Task 4.10. Bytes per second at which this machine reads a working set: the
// one measured at the smallest size that is at least as large, or at the
// largest size if there is none. Throws ContractError if nothing was measured.
double BandwidthFor(const MachineRoofs& machine,
                    std::uint64_t working_set_bytes);

enum class Roof { kBandwidth, kFlopPeak };

// Where a pass is under the roofs.
struct RooflinePoint {
  double flop = 0;                 // 2 for each MAC
  double flop_per_byte = 0;        // arithmetic intensity
  double ridge_flop_per_byte = 0;  // where the two roofs meet
  Roof bound_by = Roof::kBandwidth;
  double attainable_flop_per_s = 0;
  double least_s = 0;  // no run takes less: flop / attainable
};

// Task 4.10. The attainable FLOP/s are the lower of the peak and of intensity *
// BandwidthFor(the bytes of `traffic`); at the ridge and beyond it the peak
// binds, below it the bandwidth.
// Throws ContractError if nothing is moved or computed, a roof is not positive,
// or the total of MACs or of bytes does not fit in 64 bits; and as BandwidthFor
// does.
RooflinePoint PlaceOnRoofline(const MachineRoofs& machine,
                              const WorkCounts& work, const Traffic& traffic);

}  // namespace kvlab

#endif  // KVLAB_MODULES_04_PROFILING_ROOFLINE_H_
