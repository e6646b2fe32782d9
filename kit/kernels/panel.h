// One row times a matrix of 64 columns: a panel of weights, or the values of
// one head. The innermost loop of a decode step.
#ifndef KVLAB_KIT_KERNELS_PANEL_H_
#define KVLAB_KIT_KERNELS_PANEL_H_

#include <array>
#include <cstddef>

#include "kit/kernels/stored_matrix.h"
#include "kit/weight_matrix.h"

namespace kvlab::kernels {

// out[64] += x[depth] * panel[depth, 64]. The 64 sums stay in 8 registers from
// the first row to the last, so the panel is all that is read. The hardware
// guesses which lines come next; asking for them 2 KiB ahead beats its guess.
template <DType kType>
inline void AddRowTimesPanel(const float* x, StoredMatrix<kType> panel,
                             float* out) {
  constexpr std::size_t kVectors = kPanelWidth / kLanes;
  constexpr std::size_t kRowBytes =
      kPanelWidth * StoredMatrix<kType>::kElementBytes;
  constexpr std::size_t kRowsAhead = 2048 / kRowBytes;
  std::array<Floats, kVectors> sums;
#pragma GCC unroll 8
  for (std::size_t v = 0; v < kVectors; ++v) {
    sums[v] = Floats::load_unaligned(out + v * kLanes);
  }
  for (std::size_t k = 0; k < panel.rows; ++k) {
    Prefetch(panel.Address(k + kRowsAhead, 0), kRowBytes);
    const Floats x_k(x[k]);
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[v] = xsimd::fma(x_k, panel.LoadEight(k, v * kLanes), sums[v]);
    }
  }
#pragma GCC unroll 8
  for (std::size_t v = 0; v < kVectors; ++v) {
    sums[v].store_unaligned(out + v * kLanes);
  }
}

}  // namespace kvlab::kernels

#endif  // KVLAB_KIT_KERNELS_PANEL_H_
