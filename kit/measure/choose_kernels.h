// Which kernels compute the products of a model fastest on this machine. Wider
// vectors are not always faster: on an Intel Xeon with AVX-512 the head of a
// model in float16 was read at 15.1 GB/s with AVX2 and at 10.0 with AVX-512.
// So a program that wants the machine's best times the candidates on the
// model's own matrices, as soon as it has loaded them.
#ifndef KVLAB_KIT_MEASURE_CHOOSE_KERNELS_H_
#define KVLAB_KIT_MEASURE_CHOOSE_KERNELS_H_

#include <functional>
#include <string>
#include <vector>

#include "kit/kernels/instruction_set.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/weight_matrix.h"

namespace kvlab {

// The kernels of one kind of product with weights of one type.
struct ChosenKernels {
  ProductKind kind = ProductKind::kPanels;
  DType type = DType::kF32;
  ProductKernels kernels;
};

// "panels in F16: AVX2, 8 KiB ahead" or "..., prefetched by hardware"; tiles
// prefetch nothing.
std::string ChosenKernelsText(const ChosenKernels& choice);

// The fastest kernels for a kind of product, where speed(kernels) times one
// turn of them. The instruction sets of this machine take turns, and but for
// tiles each of them with three distances of prefetching and without it; heads
// have the widest set alone. FastestCandidate decides, the default being the
// widest set and the default distance. Calls `speed` 31 times for each
// candidate.
ProductKernels FastestKernels(
    ProductKind kind,
    const std::function<double(const ProductKernels&)>& speed);

// Uses the machine's widest instruction set (kit/kernels/instruction_set.h),
// except for products with the model's matrices that other kernels compute
// faster. Returns the choice for each kind of product and type of weights that
// the model has, and that for the keys and values of a cache of its shape, half
// full.
//
// A turn reads the next few megabytes, round and round through the matrices of
// its kind, so that caches hold what they hold in a step. It is timed by the
// processor time of its threads, as many as the products use, so that other
// programs on their cores do not count. 30 to 100 ms for each kind. Kinds with
// less than 1 MiB keep the default: nothing is to be gained.
//
// The order of a sum's terms depends on the instruction set, so the last bits
// of a result may change with the choice. A program whose bits or speed must be
// the same on every machine does not call this.
std::vector<ChosenKernels> ChooseKernels(const Gpt2Weights& weights);

}  // namespace kvlab

#endif  // KVLAB_KIT_MEASURE_CHOOSE_KERNELS_H_
