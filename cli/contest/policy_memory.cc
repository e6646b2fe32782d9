// Memory of a policy's process: a policy can use all that the process holds, so
// it holds nothing in reserve.
//
// libstdc++ reserves 73 KB for the case that an exception is thrown when memory
// has run out. The functions __cxa_... take its place: one exception is enough.
// Source: the Itanium C++ ABI, Exception Handling, section 2.4.2; the size of
// the header in front of an exception is that of libstdc++ on 64 bits.
//
// malloc takes 128 KiB more than it needs from the kernel. What the linker puts
// before malloc and calloc (--wrap) forbids that at the first call, which comes
// from libc itself, before any constructor.
#include <malloc.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>

namespace {

constexpr std::size_t kHeader = 128;  // __cxa_refcounted_exception
constexpr std::size_t kLast = 512;

alignas(std::max_align_t) std::array<char, kLast> last_memory;

// Zeros.
void* Allocate(std::size_t bytes) {
  void* memory = std::malloc(bytes);
  if (memory == nullptr) {
    if (bytes > kLast) std::terminate();
    memory = last_memory.data();
  }
  std::memset(memory, 0, bytes);
  return memory;
}

void Free(void* memory) {
  if (memory != last_memory.data()) std::free(memory);
}

// All memory comes from brk, page by page.
void Prepare() {
  static bool prepared = false;
  if (prepared) return;
  prepared = true;
  ::mallopt(M_TOP_PAD, 0);
  ::mallopt(M_MMAP_MAX, 0);
}

}  // namespace

// The names are those of the ABI.
// NOLINTBEGIN(readability-identifier-naming)
extern "C" {
void* __real_malloc(std::size_t bytes);
void* __real_calloc(std::size_t count, std::size_t bytes);

void* __wrap_malloc(std::size_t bytes) {
  Prepare();
  return __real_malloc(bytes);
}
void* __wrap_calloc(std::size_t count, std::size_t bytes) {
  Prepare();
  return __real_calloc(count, bytes);
}

void* __cxa_allocate_exception(std::size_t bytes) noexcept {
  return static_cast<char*>(Allocate(bytes + kHeader)) + kHeader;
}
void __cxa_free_exception(void* exception) noexcept {
  Free(static_cast<char*>(exception) - kHeader);
}
void* __cxa_allocate_dependent_exception() noexcept {
  return Allocate(kHeader);
}
void __cxa_free_dependent_exception(void* exception) noexcept {
  Free(exception);
}
}
// NOLINTEND(readability-identifier-naming)
