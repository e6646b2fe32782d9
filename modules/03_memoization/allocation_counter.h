// Counts what this process allocates. Test only: linking allocation_counter.cc
// replaces the global operator new in all its forms.
#ifndef KVLAB_MODULES_03_MEMOIZATION_ALLOCATION_COUNTER_H_
#define KVLAB_MODULES_03_MEMOIZATION_ALLOCATION_COUNTER_H_

#include <cstdint>

namespace kvlab {

// Calls of operator new so far; subtract two readings for the calls between
// them.
std::uint64_t AllocationCount();

// Bytes that these calls requested, including memory freed since.
std::uint64_t AllocatedBytes();

}  // namespace kvlab

#endif  // KVLAB_MODULES_03_MEMOIZATION_ALLOCATION_COUNTER_H_
