// The instruments of a measurement: a clock and a memory gauge. They are
// arguments, so a test can pass instruments with made-up readings and check the
// results exactly.
#ifndef KVLAB_KIT_MEASURE_INSTRUMENTS_H_
#define KVLAB_KIT_MEASURE_INSTRUMENTS_H_

#include <cstdint>
#include <functional>

namespace kvlab {

struct Instruments {
  // Seconds since some moment in the past; never falls.
  std::function<double()> now_s;
  // Bytes of memory in use now.
  std::function<std::uint64_t()> memory_bytes;
};

// The steady clock, and the part of this process that is in memory (its
// resident set), which Linux counts in pages.
Instruments ProcessInstruments();

}  // namespace kvlab

#endif  // KVLAB_KIT_MEASURE_INSTRUMENTS_H_
