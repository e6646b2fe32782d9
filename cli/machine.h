// The machine of a measurement.
#ifndef KVLAB_CLI_MACHINE_H_
#define KVLAB_CLI_MACHINE_H_

#include <string>

namespace kvlab {

// The processor's name as reported by the kernel, such as "AMD EPYC", or "an
// unknown processor".
std::string CpuModel();

}  // namespace kvlab

#endif  // KVLAB_CLI_MACHINE_H_
