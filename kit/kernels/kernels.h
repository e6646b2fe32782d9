// The kernels of one instruction set. The products of kit/math/linear_algebra.h
// and the functions of kit/math/vector_math.h call these; a program contains
// one such table for each instruction set and picks at run time
// (kit/kernels/instruction_set.h).
#ifndef KVLAB_KIT_KERNELS_KERNELS_H_
#define KVLAB_KIT_KERNELS_KERNELS_H_

#include <cstddef>
#include <span>

#include "kit/tensor/coded_matrix.h"
#include "kit/tensor/paged_matrix.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"

namespace kvlab::kernels {

// Products of more rows are "many": packing pays (many_rows.h).
inline constexpr std::size_t kFewRows = 12;

// How far ahead a kernel prefetches data that it reads once, unless told
// otherwise: the best of 2, 4, 8 and 16 KiB for weights in memory on an AMD
// EPYC, and no worse for weights in a cache. With 0 it asks for what it reads
// next anyway, and the hardware alone guesses: better on other processors.
inline constexpr std::size_t kDefaultBytesAhead = 8192;

// A matrix in the element type of its checkpoint. Owns nothing.
struct AnyMatrix {
  DType type = DType::kF32;
  const std::byte* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  // Elements from one row to the next; kInPanels: the columns are cut into
  // panels (WeightLayout::kPanels).
  std::size_t row_stride = 0;
  // How far ahead products of a single row prefetch.
  std::size_t bytes_ahead = kDefaultBytesAhead;

  static constexpr std::size_t kInPanels = 0;
};

struct Kernels {
  // out += a * b: a [m, k], b [k, n], out [m, n].
  void (*add_product)(ConstMatrix a, const AnyMatrix& b, Matrix out);
  // out += a * b^T: a [m, k], b [n, k], out [m, n]. Not for panels.
  void (*add_transposed)(ConstMatrix a, const AnyMatrix& b, Matrix out);

  // The same for a matrix b in blocks (kit/math/paged_products.h).
  void (*add_product_of_pages)(ConstMatrix a, const PagedMatrix& b, Matrix out);
  void (*add_pages_transposed)(ConstMatrix a, const PagedMatrix& b, Matrix out);

  // The same for a matrix b in codes (kit/math/coded_products.h).
  void (*add_product_of_codes)(ConstMatrix a, const CodedByRow& b, Matrix out);
  void (*add_codes_transposed)(ConstMatrix a, const CodedByColumn& b,
                               Matrix out);

  void (*exp_in_place)(std::span<float> values);
  void (*tanh_in_place)(std::span<float> values);

  // The roofs of kit/measure/roofline.h. Both return a number that depends on
  // all of the work, so that the compiler cannot leave any out. read_all
  // prefetches this many bytes ahead; 0 leaves that to the hardware.
  float (*read_all)(std::span<const float> values, std::size_t bytes_ahead);
  float (*multiply_add)(std::size_t rounds, float factor);
  std::size_t flop_per_round;  // of multiply_add
};

// Callable only where the processor supports the instructions. A program has
// those of the architecture that it was built for.
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kNeonKernels;

}  // namespace kvlab::kernels

#endif  // KVLAB_KIT_KERNELS_KERNELS_H_
