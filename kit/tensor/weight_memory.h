// Memory for copies of weights.
#ifndef KVLAB_KIT_TENSOR_WEIGHT_MEMORY_H_
#define KVLAB_KIT_TENSOR_WEIGHT_MEMORY_H_

#include <cstddef>
#include <memory>

namespace kvlab {

// The size of a huge page, 2 MiB. A step that reads hundreds of megabytes from
// pages of 4 KiB spends a tenth of its time on looking up their addresses.
inline constexpr std::size_t kHugePageBytes = std::size_t{1} << 21U;

// `bytes` zeroed bytes, aligned to a cache line. 64 KiB or more are in huge
// pages, if the system has any. Blocks follow each other in regions of 64 MiB
// or more, whose memory is taken as it is written and returned with the last of
// the blocks. Any threads. Throws std::bad_alloc.
std::shared_ptr<std::byte> AllocateWeights(std::size_t bytes);

}  // namespace kvlab

#endif  // KVLAB_KIT_TENSOR_WEIGHT_MEMORY_H_
