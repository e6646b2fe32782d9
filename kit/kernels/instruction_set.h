// Which vector instructions the kernels use. A program has kernels for each set
// of the architecture that it was built for, and runs on every machine with the
// smallest: x86-64-v3, or any 64-bit ARM.
#ifndef KVLAB_KIT_KERNELS_INSTRUCTION_SET_H_
#define KVLAB_KIT_KERNELS_INSTRUCTION_SET_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "kit/kernels/kernels.h"
#include "kit/tensor/weight_matrix.h"

namespace kvlab {

enum class InstructionSet {
  kAvx2,    // AVX2, FMA and F16C, part of x86-64-v3
  kAvx512,  // AVX-512 F, BW, DQ and VL: x86-64-v4
  kNeon,    // part of every 64-bit ARM
};

// "AVX2", "AVX-512", "NEON"
std::string_view InstructionSetName(InstructionSet set);

// Those that this processor and its operating system support, of the program's;
// the smallest first.
std::vector<InstructionSet> SupportedInstructionSets();

// The one that every machine of this architecture supports: AVX2 or NEON.
InstructionSet SmallestInstructionSet();

// The widest that is supported.
InstructionSet BestInstructionSet();

// The smallest unless another was chosen: measuring and marking must be the
// same on every machine, and valgrind supports no wider set. A program that
// wants the machine's best calls UseInstructionSet(BestInstructionSet()).
InstructionSet InstructionSetInUse();

// From now on all threads of this process use `set`, for everything. Throws
// ContractError, changing nothing, if the machine does not support it.
void UseInstructionSet(InstructionSet set);

// The kernels of the set in use.
const kernels::Kernels& KernelsInUse();

// Those of a set. Throws ContractError if the machine does not support it.
const kernels::Kernels& KernelsOf(InstructionSet set);

// Products with weights, and with keys and values, by what limits their speed.
enum class ProductKind {
  kPanels,  // few rows, panels read from end to end: a decode step
  kRows,    // few rows, row by row: the tied head of a decode step
  kTiles,   // many rows, of either layout: prefill
  kHeads,   // few rows, the keys or values of one head: attention of a step
};

// The kind of a product of `rows` rows with weights in this layout.
ProductKind KindOfProduct(std::size_t rows, WeightLayout layout);

// How a kind of product is computed. The distance never changes a result; the
// set may change its last bits.
struct ProductKernels {
  InstructionSet set = SmallestInstructionSet();
  std::uint32_t bytes_ahead = kernels::kDefaultBytesAhead;

  friend bool operator==(const ProductKernels&,
                         const ProductKernels&) = default;
};

// For products with weights of this type: those of the set in use, unless a
// program has chosen others (kit/measure/choose_kernels.h). Of kHeads in F32,
// the distance alone is used.
ProductKernels KernelsFor(ProductKind kind, DType type);

// From now on such products use these kernels, until UseInstructionSet is
// called. Throws ContractError, changing nothing, if the machine does not
// support the set.
void UseKernelsFor(ProductKind kind, DType type, ProductKernels kernels);

}  // namespace kvlab

#endif  // KVLAB_KIT_KERNELS_INSTRUCTION_SET_H_
