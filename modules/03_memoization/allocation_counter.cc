#include "modules/03_memoization/allocation_counter.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>

namespace {

std::atomic<std::uint64_t> allocations;
std::atomic<std::uint64_t> allocated_bytes;

// Memory of `size` bytes, or nullptr.
void* TryToAllocate(std::size_t size, std::size_t alignment) noexcept {
  allocations.fetch_add(1);
  allocated_bytes.fetch_add(size);
  if (alignment <= alignof(std::max_align_t)) {
    return std::malloc(size == 0 ? 1 : size);
  }
  // std::aligned_alloc requires a multiple of the alignment.
  if (size > std::numeric_limits<std::size_t>::max() - alignment) {
    return nullptr;
  }
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
}

void* Allocate(std::size_t size,
               std::align_val_t alignment = std::align_val_t{1}) {
  void* memory = TryToAllocate(size, static_cast<std::size_t>(alignment));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// All forms, since the standard library uses them all (std::stable_sort
// requests its buffer without exceptions), and since memory from one form of
// `new` must be freed by the matching `delete`.
void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return Allocate(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return Allocate(size, alignment);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return TryToAllocate(size, 1);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return TryToAllocate(size, 1);
}
void* operator new(std::size_t size, std::align_val_t alignment,
                   const std::nothrow_t&) noexcept {
  return TryToAllocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment,
                     const std::nothrow_t&) noexcept {
  return TryToAllocate(size, static_cast<std::size_t>(alignment));
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t,
                     const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t,
                       const std::nothrow_t&) noexcept {
  std::free(memory);
}

namespace kvlab {

std::uint64_t AllocationCount() { return allocations.load(); }

std::uint64_t AllocatedBytes() { return allocated_bytes.load(); }

}  // namespace kvlab
