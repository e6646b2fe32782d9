// For tests that read checkpoints from untrusted files.
#ifndef KVLAB_KIT_TESTING_WEIGHTS_TESTING_H_
#define KVLAB_KIT_TESTING_WEIGHTS_TESTING_H_

#include "kit/model/gpt2_weights.h"

namespace kvlab {

// Reads every element of every matrix, so that a sanitizer notices one outside
// its file.
void TouchEverything(const Gpt2Weights& weights);

}  // namespace kvlab

#endif  // KVLAB_KIT_TESTING_WEIGHTS_TESTING_H_
