// Memory for copies of weights.
#ifndef KVLAB_KIT_TENSOR_WEIGHT_MEMORY_H_
#define KVLAB_KIT_TENSOR_WEIGHT_MEMORY_H_

#include <cstddef>
#include <memory>

namespace kvlab {

// The size of a huge page, 2 MiB. A step that reads hundreds of megabytes from
// pages of 4 KiB spends a tenth of its time on looking up their addresses.
inline constexpr std::size_t kHugePageBytes = std::size_t{1} << 21U;

// `bytes` zeroed bytes, freed with their last owner. They are aligned to a
// cache line; kHugePageBytes or more are aligned to a huge page, and huge pages
// are requested, for the end as well if that adds at most a quarter. Throws
// std::bad_alloc.
std::shared_ptr<std::byte> AllocateWeights(std::size_t bytes);

}  // namespace kvlab

#endif  // KVLAB_KIT_TENSOR_WEIGHT_MEMORY_H_
