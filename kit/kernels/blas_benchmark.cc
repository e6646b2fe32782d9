// The products of a prefill of 500 tokens and of a decode step after 500
// tokens: this kit against Debian's libraries, one thread each, interleaved.
//
//   third_party/setup compare
//   bazel run -c opt //kit/kernels:blas_benchmark
//
// A model's layers are run one after the other, each with its own weights, so
// that weights too large for the caches come from memory here as well. Debian's
// OpenBLAS and BLIS do not recognise every processor and may fall back to slow
// kernels, so their kernels are set explicitly. The libraries get float32
// weights; where a checkpoint has float16, the kit's times include the
// widening.
#include <dlfcn.h>
#include <omp.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kit/kernels/instruction_set.h"
#include "kit/math/linear_algebra.h"
#include "kit/math/median.h"
#include "kit/measure/stopwatch.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"

namespace kvlab {
namespace {

constexpr std::size_t kContext = 500;
constexpr std::size_t kHeadDim = 64;

struct Model {
  const char* name;
  std::size_t layers, heads, vocab_size;
  DType weights;  // what the kit reads
};

constexpr std::array<Model, 2> kModels = {{
    {"shipped checkpoint", 4, 4, 1024, DType::kF16},
    {"DistilGPT2", 6, 12, 50257, DType::kF32},
}};

// out [m, n] = a [m, k] * b, with b [k, n], or [n, k] if transposed.
struct Product {
  std::string name;
  std::size_t m = 0, n = 0, k = 0;
  bool transposed = false;
  bool weights = false;   // b is a weight matrix
  std::size_t count = 1;  // uses per layer (for the head: per model)
  bool once = false;      // not for each layer
};

std::vector<Product> Products(const Model& model, std::size_t tokens) {
  const std::size_t d = model.heads * kHeadDim;
  return {
      {"c_attn", tokens, 3 * d, d, false, true, 1, false},
      {"scores", tokens, kContext, kHeadDim, true, false, model.heads, false},
      {"values", tokens, kHeadDim, kContext, false, false, model.heads, false},
      {"attn c_proj", tokens, d, d, false, true, 1, false},
      {"c_fc", tokens, 4 * d, d, false, true, 1, false},
      {"mlp c_proj", tokens, d, 4 * d, false, true, 1, false},
      {"head", 1, model.vocab_size, d, true, true, 1, true},
  };
}

// The operands of one product, in every form that a candidate needs.
struct Operands {
  Product product;
  Tensor2 a;
  Tensor2 b;  // the libraries'
  Tensor2 out;
  WeightMatrix weights;  // the kit's
};

// Any ordinary numbers take the same time.
WeightMatrix MakeWeights(Random& random, const Product& product, DType type) {
  const std::size_t elements = product.k * product.n;
  auto bytes =
      std::make_shared<std::vector<std::byte>>(elements * DTypeBytes(type));
  for (std::size_t i = 0; i < bytes->size(); i += 2) {
    const auto half =
        static_cast<std::uint16_t>(0x3800 + random.NextBelow(0x400));
    (*bytes)[i] = static_cast<std::byte>(half & 0xFFU);
    (*bytes)[i + 1] = static_cast<std::byte>(half >> 8U);
  }
  const WeightMatrix weights(
      bytes, *bytes, type,
      product.transposed ? WeightLayout::kOutIn : WeightLayout::kInOut,
      product.k, product.n);
  return product.transposed ? weights : weights.InPanels();
}

std::vector<Operands> MakeOperands(const Model& model, std::size_t tokens) {
  Random random(1);
  std::vector<Operands> all;
  for (std::size_t layer = 0; layer < model.layers; ++layer) {
    for (const Product& product : Products(model, tokens)) {
      if (product.once && layer + 1 < model.layers) continue;
      for (std::size_t i = 0; i < product.count; ++i) {
        Operands x = {.product = product,
                      .a = RandomTensor2(random, {product.m, product.k}),
                      .b = product.transposed
                               ? RandomTensor2(random, {product.n, product.k})
                               : RandomTensor2(random, {product.k, product.n}),
                      .out = Tensor2::from_shape({product.m, product.n}),
                      .weights = {}};
        if (product.weights) {
          x.weights = MakeWeights(random, product, model.weights);
        }
        all.push_back(std::move(x));
      }
    }
  }
  return all;
}

struct Candidate {
  std::string name;
  InstructionSet vectors;
  std::function<void(Operands&)> multiply;
};

Candidate Kit(InstructionSet set) {
  return {"kvlab", set, [set](Operands& x) {
            UseInstructionSet(set);
            const ConstMatrix a = Rows(std::as_const(x.a));
            const ConstMatrix b = Rows(std::as_const(x.b));
            if (x.product.weights) {
              Linear(Work::kMlp, a, x.weights, {}, Rows(x.out));
            } else if (x.product.transposed) {
              MatMulTransposed(Work::kAttention, a, b, Rows(x.out));
            } else {
              MatMul(Work::kAttention, a, b, Rows(x.out));
            }
          }};
}

// The interface that all libraries share, and its constants.
using Sgemm = void (*)(int order, int trans_a, int trans_b, int m, int n, int k,
                       float alpha, const float* a, int lda, const float* b,
                       int ldb, float beta, float* c, int ldc);
using Sgemv = void (*)(int order, int trans, int rows, int cols, float alpha,
                       const float* a, int lda, const float* x, int incx,
                       float beta, float* y, int incy);
using DnnlSgemm = int (*)(char trans_a, char trans_b, std::int64_t m,
                          std::int64_t n, std::int64_t k, float alpha,
                          const float* a, std::int64_t lda, const float* b,
                          std::int64_t ldb, float beta, float* c,
                          std::int64_t ldc);
constexpr int kRowMajor = 101;
constexpr int kNoTrans = 111;
constexpr int kTrans = 112;

void MultiplyWith(Sgemm sgemm, Sgemv sgemv, Operands& x) {
  const bool transposed = x.product.transposed;
  const auto m = static_cast<int>(x.product.m);
  const auto n = static_cast<int>(x.product.n);
  const auto k = static_cast<int>(x.product.k);
  const int ldb = transposed ? k : n;
  if (m == 1 && sgemv != nullptr) {
    sgemv(kRowMajor, transposed ? kNoTrans : kTrans, transposed ? n : k,
          transposed ? k : n, 1.0F, x.b.data(), ldb, x.a.data(), 1, 0.0F,
          x.out.data(), 1);
  } else {
    sgemm(kRowMajor, kNoTrans, transposed ? kTrans : kNoTrans, m, n, k, 1.0F,
          x.a.data(), k, x.b.data(), ldb, 0.0F, x.out.data(), n);
  }
}

// A library reads the variable that names its kernels when it is loaded or at
// the first product, so both happen right away; a copy of the file counts as
// another library, so each candidate gets its own.
void* LoadLibrary(const std::string& name, const std::filesystem::path& file,
                  const char* variable, const char* kernels) {
  namespace fs = std::filesystem;
  if (!fs::exists(file)) {
    std::printf("%s is not installed: %s\n", name.c_str(), file.c_str());
    return nullptr;
  }
  std::string pattern = fs::temp_directory_path() / "kvlab-library-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    std::printf("%s: there is no room in %s\n", name.c_str(),
                fs::temp_directory_path().c_str());
    return nullptr;
  }
  const fs::path folder = pattern;
  fs::copy(file, folder / "library.so");
  if (variable != nullptr) setenv(variable, kernels, 1);
  void* library =
      dlopen((folder / "library.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  fs::remove_all(folder);
  if (library == nullptr) {
    std::printf("%s cannot be loaded: %s\n", name.c_str(), dlerror());
  }
  return library;
}

// The candidate after its first product.
Candidate Settled(Candidate candidate) {
  constexpr std::size_t kSize = 70;
  Random random(1);
  Operands x;
  x.product.m = x.product.n = x.product.k = kSize;
  x.a = RandomTensor2(random, {kSize, kSize});
  x.b = x.a;
  x.out = x.a;
  candidate.multiply(x);
  return candidate;
}

std::optional<Candidate> Blas(const std::string& name, InstructionSet vectors,
                              const std::filesystem::path& file,
                              const char* variable, const char* kernels) {
  if (vectors > BestInstructionSet()) return std::nullopt;
  void* library = LoadLibrary(name, file, variable, kernels);
  if (library == nullptr) return std::nullopt;
  const auto sgemm = reinterpret_cast<Sgemm>(dlsym(library, "cblas_sgemm"));
  const auto sgemv = reinterpret_cast<Sgemv>(dlsym(library, "cblas_sgemv"));
  if (sgemm == nullptr) return std::nullopt;
  return Settled({name, vectors, [sgemm, sgemv](Operands& x) {
                    MultiplyWith(sgemm, sgemv, x);
                  }});
}

std::optional<Candidate> OneDnn(InstructionSet vectors,
                                const std::filesystem::path& file,
                                const char* widest) {
  if (vectors > BestInstructionSet()) return std::nullopt;
  void* library = LoadLibrary("oneDNN", file, "DNNL_MAX_CPU_ISA", widest);
  if (library == nullptr) return std::nullopt;
  const auto sgemm = reinterpret_cast<DnnlSgemm>(dlsym(library, "dnnl_sgemm"));
  if (sgemm == nullptr) return std::nullopt;
  return Candidate{"oneDNN 2.6", vectors, [sgemm](Operands& x) {
                     const bool transposed = x.product.transposed;
                     const auto m = static_cast<std::int64_t>(x.product.m);
                     const auto n = static_cast<std::int64_t>(x.product.n);
                     const auto k = static_cast<std::int64_t>(x.product.k);
                     sgemm('N', transposed ? 'T' : 'N', m, n, k, 1.0F,
                           x.a.data(), k, x.b.data(), transposed ? k : n, 0.0F,
                           x.out.data(), n);
                   }};
}

std::vector<Candidate> Candidates(const std::filesystem::path& own_folder) {
  constexpr InstructionSet kAvx2 = InstructionSet::kAvx2;
  constexpr InstructionSet kAvx512 = InstructionSet::kAvx512;
  const std::filesystem::path libraries = "/usr/lib/x86_64-linux-gnu";
  const auto openblas = libraries / "openblas-serial/libopenblas.so.0";
  const auto blis = libraries / "blis-serial/libblis.so.4";
  const auto onednn = libraries / "libdnnl.so.2";
  const auto libxsmm = own_folder / "libxsmm_products.so";
  unsetenv("OPENBLAS_L2_SIZE");
  omp_set_num_threads(1);  // oneDNN and this kit share one OpenMP
  std::vector<Candidate> candidates = {Kit(kAvx2)};
  if (BestInstructionSet() == kAvx512) candidates.push_back(Kit(kAvx512));
  // BLIS numbers its kernels: bli_type_defs.h, arch_t.
  for (std::optional<Candidate> candidate : {
           Blas("OpenBLAS 0.3.21, Haswell", kAvx2, openblas,
                "OPENBLAS_CORETYPE", "Haswell"),
           Blas("OpenBLAS 0.3.21, SkylakeX", kAvx512, openblas,
                "OPENBLAS_CORETYPE", "SkylakeX"),
           Blas("BLIS 0.9, haswell", kAvx2, blis, "BLIS_ARCH_TYPE", "3"),
           Blas("BLIS 0.9, skx", kAvx512, blis, "BLIS_ARCH_TYPE", "0"),
           Blas("Eigen 3.4", kAvx2, own_folder / "eigen_avx2.so", nullptr, ""),
           Blas("Eigen 3.4", kAvx512, own_folder / "eigen_avx512.so", nullptr,
                ""),
           OneDnn(kAvx2, onednn, "AVX2"),
           OneDnn(kAvx512, onednn, "AVX512_CORE"),
           Blas("libxsmm 1.17", kAvx2, libxsmm, "LIBXSMM_TARGET", "hsw"),
           Blas("libxsmm 1.17", kAvx512, libxsmm, "LIBXSMM_TARGET", "skx"),
       }) {
    if (candidate) candidates.push_back(*std::move(candidate));
  }
  return candidates;
}

// Seconds of each of the model's products, summed over its layers and heads.
using Times = std::vector<double>;

Times RunOnce(const Candidate& candidate, const std::vector<Product>& products,
              std::vector<Operands>& operands) {
  Times seconds(products.size());
  for (Operands& x : operands) {
    const auto which =
        std::ranges::find(products, x.product.name, &Product::name) -
        products.begin();
    const double begin_s = ThreadSeconds();
    candidate.multiply(x);
    seconds[static_cast<std::size_t>(which)] += ThreadSeconds() - begin_s;
  }
  return seconds;
}

// One line of a table in Markdown: a figure for each product, and for all.
void PrintRow(const Candidate& candidate, const std::vector<double>& amounts,
              const Times& seconds, const char* set) {
  std::printf("| %s | %s |", candidate.name.c_str(), set);
  double amount = 0;
  double total_s = 0;
  for (std::size_t p = 0; p < amounts.size(); ++p) {
    std::printf(" %.1f |", amounts[p] / seconds[p] / 1e9);
    amount += amounts[p];
    total_s += seconds[p];
  }
  std::printf(" **%.1f** |\n", amount / total_s / 1e9);
}

// The candidates alternate, so that a slower machine slows all of them; medians
// of each product over the rounds.
void Compare(const Model& model, std::size_t tokens,
             const std::vector<Candidate>& candidates) {
  const bool prefill = tokens > 1;
  const int rounds = prefill ? 9 : 31;
  const std::vector<Product> products = Products(model, tokens);
  std::vector<Operands> operands = MakeOperands(model, tokens);
  std::vector<std::vector<Times>> runs(candidates.size());
  for (int round = 0; round <= rounds; ++round) {
    for (std::size_t c = 0; c < candidates.size(); ++c) {
      // Once to reload what the other candidates evicted from the caches.
      RunOnce(candidates[c], products, operands);
      Times times = RunOnce(candidates[c], products, operands);
      if (round > 0) runs[c].push_back(std::move(times));  // the first warms up
    }
  }

  std::printf("\n%s, %s: %s\n\n| kernels | vectors |", model.name,
              prefill ? "prefill of 500 tokens" : "a decode step after 500",
              prefill ? "GFLOP/s" : "GB/s of weights and cache");
  for (const Product& product : products) {
    std::printf(" %s |", product.name.c_str());
  }
  std::printf(" all |\n|---|---|");
  for (std::size_t p = 0; p <= products.size(); ++p) std::printf("---|");
  std::printf("\n");
  for (std::size_t c = 0; c < candidates.size(); ++c) {
    std::vector<double> amounts;
    Times medians;
    for (std::size_t p = 0; p < products.size(); ++p) {
      const Product& product = products[p];
      const std::size_t times =
          product.count * (product.once ? 1 : model.layers);
      const bool half = c < 2 && product.weights &&
                        model.weights == DType::kF16 &&
                        candidates[c].name == "kvlab";
      const std::size_t each = prefill ? 2 * product.m * product.n * product.k
                                       : product.n * product.k * (half ? 2 : 4);
      amounts.push_back(static_cast<double>(times * each));
      std::vector<double> values;
      for (const Times& run : runs[c]) values.push_back(run[p]);
      medians.push_back(Median(values));
    }
    PrintRow(candidates[c], amounts, medians,
             std::string(InstructionSetName(candidates[c].vectors)).c_str());
  }
}

}  // namespace
}  // namespace kvlab

// Arguments are parts of the names of the kernels to compare; none: all.
int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  auto candidates =
      kvlab::Candidates(std::filesystem::path(arguments[0]).parent_path());
  if (argc > 1) {
    std::erase_if(candidates, [&](const kvlab::Candidate& candidate) {
      return std::none_of(
          arguments.begin() + 1, arguments.end(), [&](const std::string& part) {
            return candidate.name.find(part) != std::string::npos;
          });
    });
  }
  for (const kvlab::Model& model : kvlab::kModels) {
    for (const std::size_t tokens : {kvlab::kContext, std::size_t{1}}) {
      kvlab::Compare(model, tokens, candidates);
    }
  }
}
