// Module 4: what a machine allows. No program computes faster than the
// processor multiplies, nor faster than memory brings what it multiplies.
// Source: Williams, Waterman & Patterson 2009, "Roofline: an insightful visual
// performance model", Communications of the ACM 52(4).
#ifndef KVLAB_MODULES_04_PROFILING_ROOFLINE_H_
#define KVLAB_MODULES_04_PROFILING_ROOFLINE_H_

#include <cstdint>

#include "kit/roofline.h"
#include "kit/work.h"
#include "modules/04_profiling/cost.h"

namespace kvlab {

// Task 4.10. Bytes per second at which this machine reads a working set: as
// measured at the smallest size that holds it, or at the largest if it exceeds
// all. Throws ContractError if nothing was measured.
double BandwidthFor(const MachineRoofs& machine,
                    std::uint64_t working_set_bytes);

enum class Roof { kBandwidth, kFlopPeak };

// Where a pass stands under the roofs.
struct RooflinePoint {
  double flop = 0;                 // 2 for each MAC
  double flop_per_byte = 0;        // arithmetic intensity
  double ridge_flop_per_byte = 0;  // where the two roofs meet
  Roof bound_by = Roof::kBandwidth;
  double attainable_flop_per_s = 0;
  double least_s = 0;  // no run of it takes less: flop / attainable
};

// Task 4.10. The attainable FLOP/s are the lower of the peak and of intensity *
// BandwidthFor(the bytes of `traffic`); at the ridge and beyond it the peak
// binds, below it the bandwidth.
// Throws ContractError if nothing is moved or nothing computed, a roof is not
// positive, or all MACs or all bytes together do not fit 64 bits; and as
// BandwidthFor does.
RooflinePoint PlaceOnRoofline(const MachineRoofs& machine,
                              const WorkCounts& work, const Traffic& traffic);

}  // namespace kvlab

#endif  // KVLAB_MODULES_04_PROFILING_ROOFLINE_H_
