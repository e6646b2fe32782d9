#include "kit/measure/instruments.h"

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>

#include "kit/error.h"

namespace kvlab {
namespace {

double SteadySeconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::uint64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size_pages = 0;
  std::uint64_t resident_pages = 0;
  if (!(file >> size_pages >> resident_pages)) {
    throw DataError("/proc/self/statm: cannot be read",
                    "it shows how much memory this process uses",
                    "run where /proc is mounted");
  }
  return resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

Instruments ProcessInstruments() {
  return {.now_s = SteadySeconds, .memory_bytes = ResidentBytes};
}

}  // namespace kvlab
