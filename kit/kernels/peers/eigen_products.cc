// Eigen with the interface of a BLAS, so that //kit/kernels:blas_benchmark
// can load it, compiled once for AVX2 and once for AVX-512.
#include "eigen3/Eigen/Core"

namespace {

using RowMajor =
    Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMap = Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>>;
using Map = Eigen::Map<RowMajor, 0, Eigen::OuterStride<>>;

constexpr int kTrans = 112;

ConstMap View(const float* data, int rows, int cols, int stride) {
  return {data, rows, cols, Eigen::OuterStride<>(stride)};
}

}  // namespace

// Row-major, alpha 1 and beta 0, a not transposed: the only case needed.
extern "C" __attribute__((visibility("default"))) void cblas_sgemm(
    int /*order*/, int /*trans_a*/, int trans_b, int m, int n, int k,
    float /*alpha*/, const float* a, int lda, const float* b, int ldb,
    float /*beta*/, float* c, int ldc) {
  Map out(c, m, n, Eigen::OuterStride<>(ldc));
  if (trans_b == kTrans) {
    out.noalias() = View(a, m, k, lda) * View(b, n, k, ldb).transpose();
  } else {
    out.noalias() = View(a, m, k, lda) * View(b, k, n, ldb);
  }
}

extern "C" __attribute__((visibility("default"))) void cblas_sgemv(
    int /*order*/, int trans, int rows, int cols, float /*alpha*/,
    const float* a, int lda, const float* x, int /*incx*/, float /*beta*/,
    float* y, int /*incy*/) {
  using Vector = Eigen::Map<Eigen::VectorXf>;
  using ConstVector = Eigen::Map<const Eigen::VectorXf>;
  if (trans == kTrans) {
    Vector(y, cols).noalias() =
        View(a, rows, cols, lda).transpose() * ConstVector(x, rows);
  } else {
    Vector(y, rows).noalias() = View(a, rows, cols, lda) * ConstVector(x, cols);
  }
}
