#include "kit/math/kept_memory.h"

#include <malloc.h>

namespace kvlab {

void KeepFreedMemory() {
  constexpr int kNever = 1 << 30;  // bytes; larger than any block here
  mallopt(M_MMAP_THRESHOLD, kNever);
  mallopt(M_TRIM_THRESHOLD, kNever);
}

}  // namespace kvlab
