#include "modules/03_memoization/allocation_counter.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> allocations;
std::atomic<std::uint64_t> allocated_bytes;
std::atomic<std::uint64_t> largest_allocation;

void* Allocate(std::size_t size) {
  allocations.fetch_add(1);
  allocated_bytes.fetch_add(size);
  std::uint64_t largest = largest_allocation.load();
  while (size > largest &&
         !largest_allocation.compare_exchange_weak(largest, size)) {
  }
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

namespace kvlab {

std::uint64_t AllocationCount() { return allocations.load(); }

std::uint64_t AllocatedBytes() { return allocated_bytes.load(); }

std::uint64_t TakeLargestAllocation() { return largest_allocation.exchange(0); }

}  // namespace kvlab
