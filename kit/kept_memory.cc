#include "kit/kept_memory.h"

#include <malloc.h>

namespace kvlab {

void KeepFreedMemory() {
  constexpr int kNever = 1 << 30;  // bytes; no block of a course is as large
  mallopt(M_MMAP_THRESHOLD, kNever);
  mallopt(M_TRIM_THRESHOLD, kNever);
}

}  // namespace kvlab
