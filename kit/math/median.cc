#include "kit/math/median.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "kit/error.h"

namespace kvlab {

double Median(std::vector<double> values) {
  if (values.empty()) {
    throw ContractError("Median: no values", "nothing is in the middle of none",
                        "measure at least once");
  }
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle]
                                : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace kvlab
