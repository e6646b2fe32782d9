// Pieces of results.json that several experiments write.
#ifndef KVLAB_LAB_LAB_JSON_H_
#define KVLAB_LAB_LAB_JSON_H_

#include "modules/04_profiling/comparison.h"
#include "nlohmann/json.hpp"

namespace kvlab {

// MACs per unit of LabRun's work.
inline constexpr double kWorkUnit = 1e9;

inline nlohmann::ordered_json SpreadJson(const Spread& spread) {
  return {
      {"low", spread.low}, {"median", spread.median}, {"high", spread.high}};
}

}  // namespace kvlab

#endif  // KVLAB_LAB_LAB_JSON_H_
