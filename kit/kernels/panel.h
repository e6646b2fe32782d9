// One row times a matrix of 64 columns: a panel of weights, or the values of
// one head. The innermost loop of a decode step.
#ifndef KVLAB_KIT_KERNELS_PANEL_H_
#define KVLAB_KIT_KERNELS_PANEL_H_

#include <array>
#include <cstddef>

#include "kit/kernels/stored_matrix.h"
#include "kit/kernels/vectors.h"
#include "kit/tensor/weight_matrix.h"

namespace KVLAB_KERNELS {

// out[64] += x[depth] * panel[depth, 64]. The 64 sums stay in 8 registers from
// the first row to the last, so only the panel is read. The hardware guesses
// which lines come next; explicit prefetching beats its guess.
//
// A multiply-add takes 4 cycles and two start per cycle, so 8 sums have to be
// in flight: where 64 floats are only 4 registers, even and odd rows have
// separate sums.
template <DType kType>
inline void AddRowTimesPanel(const float* x, StoredMatrix<kType> panel,
                             float* out) {
  constexpr std::size_t kVectors = kPanelWidth / kLanes;
  constexpr std::size_t kRows = 8 / kVectors;
  constexpr std::size_t kRowBytes =
      kPanelWidth * StoredMatrix<kType>::kElementBytes;
  std::array<std::array<Floats, kVectors>, kRows> sums;
#pragma GCC unroll 8
  for (std::size_t v = 0; v < kVectors; ++v) {
    sums[0][v] = Floats::load_unaligned(out + v * kLanes);
    if constexpr (kRows == 2) sums[1][v] = Floats(0.0F);
  }
  const auto add_row = [&](std::size_t k, std::array<Floats, kVectors>& into) {
    Prefetch(panel.Address(k, 0) + panel.bytes_ahead, kRowBytes);
    const Floats x_k(x[k]);
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
      into[v] = fma(x_k, panel.LoadVector(k, v * kLanes), into[v]);
    }
  };
  std::size_t k = 0;
  for (; k + kRows <= panel.rows; k += kRows) {
#pragma GCC unroll 2
    for (std::size_t row = 0; row < kRows; ++row) add_row(k + row, sums[row]);
  }
  if (k < panel.rows) add_row(k, sums[0]);
#pragma GCC unroll 8
  for (std::size_t v = 0; v < kVectors; ++v) {
    if constexpr (kRows == 2) sums[0][v] += sums[1][v];
    sums[0][v].store_unaligned(out + v * kLanes);
  }
}

}  // namespace KVLAB_KERNELS

#endif  // KVLAB_KIT_KERNELS_PANEL_H_
