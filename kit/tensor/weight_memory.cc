#include "kit/tensor/weight_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace kvlab {
namespace {

constexpr std::size_t kLineBytes = 64;

// From this size on a block is worth a page of 2 MiB.
constexpr std::size_t kSmallestInHugePages = std::size_t{1} << 16U;

// Address space for many matrices of one model; what is not used takes no
// memory.
constexpr std::size_t kRegionBytes = std::size_t{1} << 26U;

struct alignas(kLineBytes) CacheLine {
  std::array<std::byte, kLineBytes> bytes;
};

std::shared_ptr<std::byte> InCacheLines(std::size_t bytes) {
  const auto lines = std::make_shared<std::vector<CacheLine>>(
      (bytes + kLineBytes - 1) / kLineBytes);
  return {lines, reinterpret_cast<std::byte*>(lines->data())};
}

// Huge pages from which blocks are cut, one right after the other: were each
// matrix rounded to whole pages, a small model would take many times its size,
// and otherwise the end of each would be in pages of 4 KiB.
class Region {
 public:
  // Maps one huge page more than needed and unmaps the parts before the first
  // boundary and after the end. Throws std::bad_alloc.
  explicit Region(std::size_t bytes) {
    if (bytes > std::numeric_limits<std::size_t>::max() / 2) {
      throw std::bad_alloc();
    }
    bytes_ = (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
    const std::size_t mapped = bytes_ + kHugePageBytes;
    void* const start = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) throw std::bad_alloc();
    const auto address = reinterpret_cast<std::uintptr_t>(start);
    const std::size_t before =
        (kHugePageBytes - address % kHugePageBytes) % kHugePageBytes;
    data_ = static_cast<std::byte*>(start) + before;
    if (before > 0) munmap(start, before);
    munmap(data_ + bytes_, mapped - before - bytes_);
    // A system without huge pages refuses, which is harmless.
    madvise(data_, bytes_, MADV_HUGEPAGE);
  }
  ~Region() { munmap(data_, bytes_); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  std::size_t Room() const { return bytes_ - cut_; }

  // Whole cache lines that were not cut before; needs room, which is a number
  // of whole lines too.
  std::byte* Cut(std::size_t bytes) {
    std::byte* const block = data_ + cut_;
    cut_ += (bytes + kLineBytes - 1) / kLineBytes * kLineBytes;
    return block;
  }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t cut_ = 0;
};

}  // namespace

std::shared_ptr<std::byte> AllocateWeights(std::size_t bytes) {
  if (bytes < kSmallestInHugePages) return InCacheLines(bytes);
  static std::mutex mutex;
  static std::weak_ptr<Region> roomiest;  // owned by its blocks
  const std::lock_guard lock(mutex);
  std::shared_ptr<Region> region = roomiest.lock();
  const std::size_t room = region ? region->Room() : 0;
  if (room < bytes) {
    region = std::make_shared<Region>(std::max(bytes, kRegionBytes));
  }
  std::byte* const block = region->Cut(bytes);
  if (region->Room() > room) roomiest = region;
  return {region, block};
}

}  // namespace kvlab
