// The reference's worker with a baseline that recomputes in AVX-512.
#ifndef KVLAB_AUTOGRADER_PROOF_GRADERLAB_WIDER_BASELINE_H_
#define KVLAB_AUTOGRADER_PROOF_GRADERLAB_WIDER_BASELINE_H_

#include <memory>

#include "autograder/machine/checker/endpoint.h"

namespace kvlab::grading {

// Forwards everything to `baseline`, and has it use AVX-512 kernels before each
// request to recompute. Its cached generation stays in AVX2, as the student's
// does in a mark: so this is a machine on which recomputing is faster beside a
// cache, and the course's table harder to reach. The worker must be restarted
// between a recomputation and anything else, as a SpeedTrial does.
std::unique_ptr<Endpoint> RecomputingInAvx512(
    std::unique_ptr<Endpoint> baseline);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_GRADERLAB_WIDER_BASELINE_H_
