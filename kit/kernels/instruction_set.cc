#include "kit/kernels/instruction_set.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "kit/error.h"
#include "kit/kernels/kernels.h"
#include "kit/kernels/supported_kernels.h"
#include "kit/tensor/weight_matrix.h"

namespace kvlab {
namespace {

std::atomic<const KernelsOfSet*>& InUse() {
  static std::atomic<const KernelsOfSet*> in_use = &SupportedKernels().front();
  return in_use;
}

constexpr std::size_t kKinds = 4;
constexpr std::size_t kTypes = 3;
using AllProducts = std::array<std::atomic<ProductKernels>, kKinds * kTypes>;

// By kind and type.
AllProducts& ProductsInUse() {
  static AllProducts in_use;
  return in_use;
}

std::atomic<ProductKernels>& ProductsInUse(ProductKind kind, DType type) {
  return ProductsInUse()[static_cast<std::size_t>(kind) * kTypes +
                         static_cast<std::size_t>(type)];
}

// Throws ContractError on behalf of `caller` if the machine does not support
// the set.
const KernelsOfSet& Supported(const char* caller, InstructionSet set) {
  for (const KernelsOfSet& each : SupportedKernels()) {
    if (each.set == set) return each;
  }
  throw ContractError(std::string(caller) + ": this machine does not support " +
                          std::string(InstructionSetName(set)),
                      "its kernels would crash the program",
                      "ask SupportedInstructionSets() first");
}

}  // namespace

std::string_view InstructionSetName(InstructionSet set) {
  switch (set) {
    case InstructionSet::kAvx2:
      return "AVX2";
    case InstructionSet::kAvx512:
      return "AVX-512";
    case InstructionSet::kNeon:
      return "NEON";
  }
  return "";
}

std::vector<InstructionSet> SupportedInstructionSets() {
  std::vector<InstructionSet> sets;
  for (const KernelsOfSet& each : SupportedKernels()) sets.push_back(each.set);
  return sets;
}

InstructionSet SmallestInstructionSet() {
  return SupportedKernels().front().set;
}

InstructionSet BestInstructionSet() { return SupportedKernels().back().set; }

InstructionSet InstructionSetInUse() {
  return InUse().load(std::memory_order_relaxed)->set;
}

void UseInstructionSet(InstructionSet set) {
  InUse().store(&Supported("UseInstructionSet", set),
                std::memory_order_relaxed);
  for (std::atomic<ProductKernels>& use : ProductsInUse()) {
    use.store({.set = set}, std::memory_order_relaxed);
  }
}

const kernels::Kernels& KernelsInUse() {
  return *InUse().load(std::memory_order_relaxed)->kernels;
}

const kernels::Kernels& KernelsOf(InstructionSet set) {
  return *Supported("KernelsOf", set).kernels;
}

ProductKind KindOfProduct(std::size_t rows, WeightLayout layout) {
  if (rows > kernels::kFewRows) return ProductKind::kTiles;
  return layout == WeightLayout::kOutIn ? ProductKind::kRows
                                        : ProductKind::kPanels;
}

ProductKernels KernelsFor(ProductKind kind, DType type) {
  return ProductsInUse(kind, type).load(std::memory_order_relaxed);
}

void UseKernelsFor(ProductKind kind, DType type, ProductKernels kernels) {
  Supported("UseKernelsFor", kernels.set);
  ProductsInUse(kind, type).store(kernels, std::memory_order_relaxed);
}

}  // namespace kvlab
