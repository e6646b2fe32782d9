#include "kit/tensor/weight_memory.h"

#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <vector>

namespace kvlab {
namespace {

constexpr std::size_t kLineBytes = 64;

struct alignas(kLineBytes) CacheLine {
  std::array<std::byte, kLineBytes> bytes;
};

std::shared_ptr<std::byte> InCacheLines(std::size_t bytes) {
  const auto lines = std::make_shared<std::vector<CacheLine>>(
      (bytes + kLineBytes - 1) / kLineBytes);
  return {lines, reinterpret_cast<std::byte*>(lines->data())};
}

// Bytes in whole huge pages, the last one included, unless that adds more than
// a quarter: what is left over is in pages of 4 KiB otherwise.
std::size_t InWholePages(std::size_t bytes) {
  constexpr std::size_t kPageBytes = 4096;
  const auto round_up = [&](std::size_t page) {
    return (bytes + page - 1) / page * page;
  };
  const std::size_t huge = round_up(kHugePageBytes);
  return huge - bytes <= bytes / 4 ? huge : round_up(kPageBytes);
}

// Maps one huge page more than needed and unmaps the parts before the first
// boundary and after the end.
std::shared_ptr<std::byte> InHugePages(std::size_t bytes) {
  if (bytes > std::numeric_limits<std::size_t>::max() / 2) {
    throw std::bad_alloc();
  }
  const std::size_t kept = InWholePages(bytes);
  const std::size_t mapped = kept + kHugePageBytes;
  void* const start = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) throw std::bad_alloc();
  const auto address = reinterpret_cast<std::uintptr_t>(start);
  const std::size_t before =
      (kHugePageBytes - address % kHugePageBytes) % kHugePageBytes;
  auto* const data = static_cast<std::byte*>(start) + before;
  if (before > 0) munmap(start, before);
  munmap(data + kept, mapped - before - kept);
  // A system without huge pages refuses, which is harmless.
  madvise(data, kept, MADV_HUGEPAGE);
  return {data, [kept](std::byte* mapping) { munmap(mapping, kept); }};
}

}  // namespace

std::shared_ptr<std::byte> AllocateWeights(std::size_t bytes) {
  return bytes < kHugePageBytes ? InCacheLines(bytes) : InHugePages(bytes);
}

}  // namespace kvlab
