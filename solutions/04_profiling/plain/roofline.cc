// Module 4 as the lecture writes it: the lower of two roofs, case by case.
#include "modules/04_profiling/roofline.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/measure/roofline.h"
#include "modules/04_profiling/cost.h"

namespace kvlab {
namespace {

// Given. Throws if a roof is not positive.
void CheckRoofs(double bytes_per_s, double flop_per_s) {
  if (!(bytes_per_s > 0) || !(flop_per_s > 0)) {
    throw ContractError("PlaceOnRoofline: a roof is not positive",
                        std::to_string(bytes_per_s) + " B/s, " +
                            std::to_string(flop_per_s) + " FLOP/s",
                        "measure the machine first: MeasureRoofs");
  }
}

}  // namespace

double BandwidthFor(const MachineRoofs& machine,
                    std::uint64_t working_set_bytes) {
  if (machine.bandwidths.empty()) {
    throw ContractError("BandwidthFor: no bandwidth was measured",
                        "every working set needs one",
                        "give MeasureRoofs at least one size");
  }
  double bytes_per_s = machine.bandwidths.back().bytes_per_s;
  // From the largest size down: the last one that is large enough stays.
  for (std::size_t i = machine.bandwidths.size(); i-- > 0;) {
    const BandwidthAt& measured = machine.bandwidths[i];
    if (measured.working_set_bytes >= working_set_bytes) {
      bytes_per_s = measured.bytes_per_s;
    }
  }
  return bytes_per_s;
}

RooflinePoint PlaceOnRoofline(const MachineRoofs& machine,
                              const WorkCounts& work, const Traffic& traffic) {
  if (work.Total() == 0 || traffic.Total() == 0) {
    throw ContractError("PlaceOnRoofline: nothing is computed or moved",
                        std::to_string(work.Total()) + " MACs, " +
                            std::to_string(traffic.Total()) +
                            " bytes: their ratio has no place on the roofline",
                        "pass the work and the traffic of one forward pass");
  }
  const double bytes_per_s = BandwidthFor(machine, traffic.Total());
  CheckRoofs(bytes_per_s, machine.flop_per_s);
  RooflinePoint point;
  point.flop = 2.0 * static_cast<double>(work.Total());
  point.flop_per_byte = point.flop / static_cast<double>(traffic.Total());
  point.ridge_flop_per_byte = machine.flop_per_s / bytes_per_s;
  if (point.flop_per_byte < point.ridge_flop_per_byte) {
    point.bound_by = Roof::kBandwidth;
    point.attainable_flop_per_s = point.flop_per_byte * bytes_per_s;
  } else {
    point.bound_by = Roof::kFlopPeak;
    point.attainable_flop_per_s = machine.flop_per_s;
  }
  point.least_s = point.flop / point.attainable_flop_per_s;
  return point;
}

}  // namespace kvlab
