// The kernels that this processor can run: one source for each architecture,
// chosen by BUILD.
#ifndef KVLAB_KIT_KERNELS_SUPPORTED_KERNELS_H_
#define KVLAB_KIT_KERNELS_SUPPORTED_KERNELS_H_

#include <span>

#include "kit/kernels/instruction_set.h"
#include "kit/kernels/kernels.h"

namespace kvlab {

struct KernelsOfSet {
  InstructionSet set;
  const kernels::Kernels* kernels;
};

// The smallest first; never empty.
std::span<const KernelsOfSet> SupportedKernels();

}  // namespace kvlab

#endif  // KVLAB_KIT_KERNELS_SUPPORTED_KERNELS_H_
