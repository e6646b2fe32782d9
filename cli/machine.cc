#include "cli/machine.h"

#include <fstream>
#include <string>

namespace kvlab {

std::string CpuModel() {
  std::ifstream cpus("/proc/cpuinfo");
  for (std::string line; std::getline(cpus, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "an unknown processor";
}

}  // namespace kvlab
