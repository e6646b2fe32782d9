#include "lab/experiments.h"

#include <vector>

namespace kvlab {

std::vector<Experiment> AllExperiments() {
  return {ControlAgainstCache(), MemoryOfCaches(), SpaceAgainstTime(),
          MemoFilling(),         BandwidthLimit(), BeyondThePlainCache(),
          KnownModelsTable()};
}

}  // namespace kvlab
