// libxsmm with the interface of a BLAS, so that //kit/kernels:blas_benchmark
// can load it. It generates code for small products; larger ones are computed
// in blocks of 64 columns, like this kit's panels.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "libxsmm.h"

namespace {

constexpr int kTrans = 112;
constexpr int kBlockCols = 64;
constexpr int kBlockDepth = 256;

}  // namespace

// Row-major, alpha 1 and beta 0, a not transposed: the only case needed.
// Row-major matrices are transposed column-major ones to libxsmm, so c^T = b^T
// a^T.
extern "C" __attribute__((visibility("default"))) void cblas_sgemm(
    int /*order*/, int /*trans_a*/, int trans_b, int m, int n, int k,
    float /*alpha*/, const float* a, int lda, const float* b, int ldb,
    float /*beta*/, float* c, int ldc) {
  static std::vector<float> turned;
  if (trans_b == kTrans) {  // it has no code for a transposed first operand
    turned.resize(static_cast<std::size_t>(k) * static_cast<std::size_t>(n));
    libxsmm_otrans(turned.data(), b, sizeof(float), k, n, ldb, n);
    b = turned.data();
    ldb = n;
  }
  const float alpha = 1.0F;
  for (int col = 0; col < n; col += kBlockCols) {
    const int cols = std::min(kBlockCols, n - col);
    for (int depth = 0; depth < k; depth += kBlockDepth) {
      const int deep = std::min(kBlockDepth, k - depth);
      const float beta = depth == 0 ? 0.0F : 1.0F;
      const libxsmm_smmfunction multiply = libxsmm_smmdispatch(
          cols, m, deep, &ldb, &lda, &ldc, &alpha, &beta, nullptr, nullptr);
      multiply(b + static_cast<std::ptrdiff_t>(depth) * ldb + col, a + depth,
               c + col);
    }
  }
}
