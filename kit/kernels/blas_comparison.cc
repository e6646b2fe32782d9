// The products of a prefill of 500 tokens of the shipped model: this kit
// against the BLAS libraries of Debian, one thread each, interleaved.
//
//   third_party/setup compare
//   bazel run //kit:blas_comparison
//
// What counts is the best library that uses AVX2 and FMA as the kit does; one
// with AVX-512 is shown for information. Debian's OpenBLAS and BLIS do not know
// every processor and may fall back to slow kernels, so each is told which
// ones to use. The libraries get float32 weights; the kit reads the float16 of
// the checkpoint and widens them within the time measured.
#include <dlfcn.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eigen3/Eigen/Core"
#include "kit/linear_algebra.h"
#include "kit/random.h"
#include "kit/tensor.h"
#include "kit/weight_matrix.h"

namespace kvlab {
namespace {

enum class B { kAsIs, kTransposed };

// out [m, n] = a [m, k] * b, with b [k, n], or [n, k] if transposed.
struct Product {
  const char* name;
  std::size_t m, n, k;
  B b;
  bool weights;       // b is a weight matrix: float16 for the kit
  std::size_t count;  // how often a prefill needs it
};

constexpr std::size_t kTokens = 500;
constexpr std::size_t kLayers = 4;
constexpr std::size_t kHeads = 4;

constexpr std::array<Product, 6> kPrefill = {{
    {"c_attn", kTokens, 768, 256, B::kAsIs, true, kLayers},
    {"scores", kTokens, kTokens, 64, B::kTransposed, false, kLayers* kHeads},
    {"values", kTokens, 64, kTokens, B::kAsIs, false, kLayers* kHeads},
    {"attn c_proj", kTokens, 256, 256, B::kAsIs, true, kLayers},
    {"c_fc", kTokens, 1024, 256, B::kAsIs, true, kLayers},
    {"mlp c_proj", kTokens, 256, 1024, B::kAsIs, true, kLayers},
}};

double Flop(const Product& product) {
  return 2.0 * static_cast<double>(product.m * product.n * product.k);
}

// The operands of one product, in every form that a candidate wants.
struct Operands {
  Tensor2 a;
  Tensor2 b;
  Tensor2 out;
  WeightMatrix weights;
};

// float16 weights in panels, as LoadGpt2 makes them. The numbers do not matter
// to the time, only that they are ordinary.
WeightMatrix HalfWeights(Random& random, std::size_t in, std::size_t out) {
  auto halves = std::make_shared<std::vector<std::uint16_t>>(in * out);
  for (std::uint16_t& half : *halves) {
    half = static_cast<std::uint16_t>(0x3800 + random.NextBelow(0x400));
  }
  return WeightMatrix(halves, std::as_bytes(std::span(*halves)), DType::kF16,
                      WeightLayout::kInOut, in, out)
      .InPanels();
}

Operands MakeOperands(const Product& product) {
  Random random(1);
  const bool transposed = product.b == B::kTransposed;
  return {.a = RandomTensor2(random, {product.m, product.k}),
          .b = transposed ? RandomTensor2(random, {product.n, product.k})
                          : RandomTensor2(random, {product.k, product.n}),
          .out = Tensor2::from_shape({product.m, product.n}),
          .weights = HalfWeights(random, product.k, product.n)};
}

enum class Vectors { kAvx2, kAvx512 };

struct Candidate {
  std::string name;
  Vectors vectors;
  std::function<void(const Product&, Operands&)> multiply;
};

void MultiplyWithKit(const Product& product, Operands& x) {
  const ConstMatrix a = Rows(std::as_const(x.a));
  const ConstMatrix b = Rows(std::as_const(x.b));
  if (product.weights) {
    Linear(Work::kMlp, a, x.weights, {}, Rows(x.out));
  } else if (product.b == B::kTransposed) {
    MatMulTransposed(Work::kAttention, a, b, Rows(x.out));
  } else {
    MatMul(Work::kAttention, a, b, Rows(x.out));
  }
}

void MultiplyWithEigen(const Product& product, Operands& x) {
  using RowMajor =
      Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto map = [](const Tensor2& tensor) {
    return Eigen::Map<const RowMajor>(
        tensor.data(), static_cast<Eigen::Index>(tensor.shape(0)),
        static_cast<Eigen::Index>(tensor.shape(1)));
  };
  Eigen::Map<RowMajor> out(x.out.data(), static_cast<Eigen::Index>(product.m),
                           static_cast<Eigen::Index>(product.n));
  if (product.b == B::kTransposed) {
    out.noalias() = map(x.a) * map(x.b).transpose();
  } else {
    out.noalias() = map(x.a) * map(x.b);
  }
}

// cblas_sgemm and its constants, which all libraries share.
using Sgemm = void (*)(int order, int trans_a, int trans_b, int m, int n, int k,
                       float alpha, const float* a, int lda, const float* b,
                       int ldb, float beta, float* c, int ldc);
constexpr int kRowMajor = 101;
constexpr int kNoTrans = 111;
constexpr int kTrans = 112;

void MultiplyWith(Sgemm sgemm, const Product& product, Operands& x) {
  const bool transposed = product.b == B::kTransposed;
  const auto m = static_cast<int>(product.m);
  const auto n = static_cast<int>(product.n);
  const auto k = static_cast<int>(product.k);
  sgemm(kRowMajor, kNoTrans, transposed ? kTrans : kNoTrans, m, n, k, 1.0F,
        x.a.data(), k, x.b.data(), transposed ? k : n, 0.0F, x.out.data(), n);
}

// A library reads the variable that names its kernels once, when it is loaded;
// a copy of the file counts as another library, so each gets its own.
std::optional<Candidate> LoadBlas(const std::string& name, Vectors vectors,
                                  const std::filesystem::path& file,
                                  const char* variable, const char* kernels) {
  namespace fs = std::filesystem;
  if (!fs::exists(file)) {
    std::printf("%s is not installed: %s\n", name.c_str(), file.c_str());
    return std::nullopt;
  }
  std::string pattern = fs::temp_directory_path() / "kvlab-blas-XXXXXX";
  const fs::path folder = mkdtemp(pattern.data());
  fs::copy(file, folder / "library.so");
  setenv(variable, kernels, 1);
  void* library = dlopen((folder / "library.so").c_str(), RTLD_NOW);
  void* symbol = library == nullptr ? nullptr : dlsym(library, "cblas_sgemm");
  fs::remove_all(folder);
  if (symbol == nullptr) {
    std::printf("%s cannot be loaded: %s\n", name.c_str(), dlerror());
    return std::nullopt;
  }
  const auto sgemm = reinterpret_cast<Sgemm>(symbol);
  return Candidate{name, vectors, [sgemm](const Product& product, Operands& x) {
                     MultiplyWith(sgemm, product, x);
                   }};
}

std::vector<Candidate> Candidates() {
  const std::filesystem::path libraries = "/usr/lib/x86_64-linux-gnu";
  const auto openblas = libraries / "openblas-serial/libopenblas.so.0";
  const auto blis = libraries / "blis-serial/libblis.so.4";
  unsetenv("OPENBLAS_L2_SIZE");
  std::vector<Candidate> candidates = {
      {"kvlab", Vectors::kAvx2, MultiplyWithKit},
      {"Eigen", Vectors::kAvx2, MultiplyWithEigen},
  };
  // BLIS numbers its kernels: bli_type_defs.h, arch_t.
  for (std::optional<Candidate> candidate : {
           LoadBlas("OpenBLAS Haswell", Vectors::kAvx2, openblas,
                    "OPENBLAS_CORETYPE", "Haswell"),
           LoadBlas("OpenBLAS Zen", Vectors::kAvx2, openblas,
                    "OPENBLAS_CORETYPE", "Zen"),
           LoadBlas("OpenBLAS SkylakeX", Vectors::kAvx512, openblas,
                    "OPENBLAS_CORETYPE", "SkylakeX"),
           LoadBlas("BLIS haswell", Vectors::kAvx2, blis, "BLIS_ARCH_TYPE",
                    "3"),
           LoadBlas("BLIS zen2", Vectors::kAvx2, blis, "BLIS_ARCH_TYPE", "7"),
       }) {
    if (candidate) candidates.push_back(*std::move(candidate));
  }
  return candidates;
}

double CpuSeconds() {
  std::timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         1e-9 * static_cast<double>(now.tv_nsec);
}

double Median(std::vector<double> values) {
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Median seconds of each candidate. They take turns, so that what slows the
// machine down slows all of them down.
std::vector<double> Measure(const Product& product,
                            const std::vector<Candidate>& candidates) {
  constexpr int kRounds = 61;
  Operands operands = MakeOperands(product);
  std::vector<std::vector<double>> seconds(candidates.size());
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      candidates[i].multiply(product, operands);  // its code and data: warm
      const double begin_s = CpuSeconds();
      candidates[i].multiply(product, operands);
      seconds[i].push_back(CpuSeconds() - begin_s);
    }
  }
  std::vector<double> medians;
  for (std::vector<double>& each : seconds) medians.push_back(Median(each));
  return medians;
}

void Compare() {
  const std::vector<Candidate> candidates = Candidates();
  std::printf("\nGFLOP/s, one thread; %zu tokens\n%-18s", kTokens, "");
  for (const Product& product : kPrefill) std::printf("%13s", product.name);
  std::printf("%13s\n", "prefill");

  std::vector<std::vector<double>> table;  // [product][candidate], seconds
  for (const Product& product : kPrefill) {
    table.push_back(Measure(product, candidates));
  }
  double total_flop = 0;
  double best_s = 0;  // the best AVX2 library for each product
  double kit_s = 0;
  for (std::size_t p = 0; p < kPrefill.size(); ++p) {
    const auto count = static_cast<double>(kPrefill[p].count);
    double best_of_product_s = table[p][1];
    for (std::size_t i = 1; i < candidates.size(); ++i) {
      if (candidates[i].vectors == Vectors::kAvx2) {
        best_of_product_s = std::min(best_of_product_s, table[p][i]);
      }
    }
    best_s += count * best_of_product_s;
    kit_s += count * table[p][0];
    total_flop += count * Flop(kPrefill[p]);
  }
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    std::printf("%-18s", candidates[i].name.c_str());
    double total_s = 0;
    for (std::size_t p = 0; p < kPrefill.size(); ++p) {
      std::printf("%13.1f", Flop(kPrefill[p]) / table[p][i] / 1e9);
      total_s += static_cast<double>(kPrefill[p].count) * table[p][i];
    }
    std::printf("%13.1f%s\n", total_flop / total_s / 1e9,
                candidates[i].vectors == Vectors::kAvx512 ? "  (AVX-512)" : "");
  }
  std::printf(
      "\nkvlab reaches %.0f %% of the best AVX2 library, product by product\n",
      100.0 * best_s / kit_s);
}

}  // namespace
}  // namespace kvlab

int main() { kvlab::Compare(); }
