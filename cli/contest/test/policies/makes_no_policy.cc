// Has nothing to offer.
#include <memory>

#include "modules/05_beyond/contest_policy.h"

namespace kvlab {

std::unique_ptr<ContestPolicy> MakeContestPolicy(
    const ContestShape& /*shape*/) {
  return nullptr;
}

}  // namespace kvlab
