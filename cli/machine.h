// Which machine a measurement belongs to.
#ifndef KVLAB_CLI_MACHINE_H_
#define KVLAB_CLI_MACHINE_H_

#include <string>

namespace kvlab {

// The processor's name as the kernel tells it, "AMD EPYC"; "an unknown
// processor" if it does not.
std::string CpuModel();

}  // namespace kvlab

#endif  // KVLAB_CLI_MACHINE_H_
