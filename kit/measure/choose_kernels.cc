#include "kit/measure/choose_kernels.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "kit/kernels/fastest.h"
#include "kit/kernels/instruction_set.h"
#include "kit/kernels/kernels.h"
#include "kit/math/threads.h"
#include "kit/measure/stopwatch.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"

namespace kvlab {
namespace {

using kernels::AnyMatrix;

constexpr std::size_t kMiB = std::size_t{1} << 20U;

// A part of a matrix that is contiguous in memory: some of its output features,
// in panels or in rows.
struct Piece {
  AnyMatrix matrix;
  WeightLayout layout = WeightLayout::kPanels;
  std::size_t in = 0;
  std::size_t out = 0;

  std::size_t Bytes() const { return in * out * DTypeBytes(matrix.type); }
};

// The matrices of a model in pieces of some hundred kilobytes, for one kind of
// product and one type.
using Pieces = std::vector<Piece>;

std::vector<const WeightMatrix*> MatricesOf(const Gpt2Weights& weights) {
  std::vector<const WeightMatrix*> matrices;
  for (const BlockWeights& block : weights.blocks) {
    matrices.insert(matrices.end(),
                    {&block.attn.c_attn.weight, &block.attn.c_proj.weight,
                     &block.mlp.c_fc.weight, &block.mlp.c_proj.weight});
  }
  matrices.push_back(&weights.lm_head);
  return matrices;
}

void AddPieces(const WeightMatrix& weight, Pieces& pieces) {
  constexpr std::size_t kPieceBytes = kMiB / 2;
  const std::size_t feature_bytes = weight.In() * DTypeBytes(weight.Type());
  const std::size_t width =
      std::max<std::size_t>(1, kPieceBytes / feature_bytes / kPanelWidth) *
      kPanelWidth;
  for (std::size_t begin = 0; begin < weight.Out(); begin += width) {
    const std::size_t out = std::min(width, weight.Out() - begin);
    const std::byte* const data = weight.Data() + begin * feature_bytes;
    const AnyMatrix matrix =
        weight.Layout() == WeightLayout::kOutIn
            ? AnyMatrix{weight.Type(), data, out, weight.In(), weight.In()}
            : AnyMatrix{weight.Type(), data, weight.In(), out,
                        AnyMatrix::kInPanels};
    pieces.push_back({matrix, weight.Layout(), weight.In(), out});
  }
}

// Row-major [in, out] has no contiguous pieces; LoadGpt2 leaves none.
Pieces PiecesFor(const Gpt2Weights& weights, ProductKind kind, DType type) {
  Pieces pieces;
  for (const WeightMatrix* const weight : MatricesOf(weights)) {
    if (weight->Type() != type || weight->Layout() == WeightLayout::kInOut ||
        weight->In() == 0) {
      continue;
    }
    if (kind == ProductKind::kTiles ||
        kind == KindOfProduct(1, weight->Layout())) {
      AddPieces(*weight, pieces);
    }
  }
  return pieces;
}

// The keys and values of each head and layer, for `tokens` of as many as the
// model has positions, so that they lie as a cache has them. Some of them, if
// all would be more than caches hold.
class MadeUpCache {
 public:
  explicit MadeUpCache(const Gpt2Config& config)
      : positions_(config.max_positions), head_dim_(config.HeadDim()) {
    constexpr std::size_t kMostBytes = 128 * kMiB;
    const std::size_t head_bytes = positions_ * head_dim_ * sizeof(float);
    if (head_bytes == 0) return;
    const std::size_t matrices = std::min(
        2 * config.num_layers * config.num_heads, kMostBytes / head_bytes);
    // What was never written shares one page of zeros.
    numbers_ = Tensor1::from_shape({matrices * positions_ * head_dim_});
    numbers_.fill(0.01F);
  }

  Pieces Heads(std::size_t tokens) const {
    Pieces pieces;
    const std::size_t elements = positions_ * head_dim_;
    for (std::size_t at = 0; at < numbers_.size(); at += elements) {
      const bool keys = at / elements % 2 == 0;
      pieces.push_back(
          {.matrix = {DType::kF32,
                      reinterpret_cast<const std::byte*>(numbers_.data() + at),
                      tokens, head_dim_, head_dim_},
           .layout = keys ? WeightLayout::kOutIn : WeightLayout::kInOut,
           .in = keys ? head_dim_ : tokens,
           .out = keys ? tokens : head_dim_});
    }
    return pieces;
  }

 private:
  std::size_t positions_;
  std::size_t head_dim_;
  Tensor1 numbers_;
};

// Takes turns through the pieces.
class Turns {
 public:
  Turns(const Pieces& pieces, ProductKind kind)
      : pieces_(pieces),
        rows_(kind == ProductKind::kTiles ? kRowsOfTiles : 1),
        turn_bytes_(kind == ProductKind::kTiles ? kMiB / 2 : 8 * kMiB) {
    for (const Piece& piece : pieces_) {
      widest_in_ = std::max(widest_in_, piece.in);
      widest_out_ = std::max(widest_out_, piece.out);
    }
    x_ = Tensor2::from_shape({rows_, widest_in_});
    x_.fill(0.5F);
  }

  // Bytes per second of the next turn_bytes_ and of what completes a piece.
  double Speed(const ProductKernels& candidate) {
    std::size_t count = 0;
    std::size_t bytes = 0;
    for (; bytes < turn_bytes_; ++count) bytes += At(next_ + count).Bytes();
    std::mutex mutex;
    double longest_s = 0;  // of the threads
    ForRanges(count, [&](std::size_t begin, std::size_t end) {
      Tensor2 out = Tensor2::from_shape({rows_, widest_out_});
      out.fill(0.0F);
      const double start_s = ThreadSeconds();
      for (std::size_t i = begin; i < end; ++i) {
        Multiply(candidate, At(next_ + i), Rows(out));
      }
      const double seconds = ThreadSeconds() - start_s;
      const std::lock_guard lock(mutex);
      longest_s = std::max(longest_s, seconds);
    });
    next_ = (next_ + count) % pieces_.size();
    return static_cast<double>(bytes) / longest_s;
  }

  std::size_t Bytes() const {
    std::size_t bytes = 0;
    for (const Piece& piece : pieces_) bytes += piece.Bytes();
    return bytes;
  }

 private:
  // Whole tiles of every instruction set.
  static constexpr std::size_t kRowsOfTiles = 120;

  const Piece& At(std::size_t i) const { return pieces_[i % pieces_.size()]; }

  void Multiply(const ProductKernels& candidate, const Piece& piece,
                Matrix out) const {
    const kernels::Kernels& kernels = KernelsOf(candidate.set);
    AnyMatrix matrix = piece.matrix;
    matrix.bytes_ahead = candidate.bytes_ahead;
    const ConstMatrix x = {x_.data(), rows_, piece.in, widest_in_};
    out.cols = piece.out;
    if (piece.layout == WeightLayout::kOutIn) {
      kernels.add_transposed(x, matrix, out);
    } else {
      kernels.add_product(x, matrix, out);
    }
  }

  const Pieces& pieces_;
  std::size_t rows_;
  std::size_t turn_bytes_;
  std::size_t widest_in_ = 0;
  std::size_t widest_out_ = 0;
  std::size_t next_ = 0;  // the first piece of the next turn
  Tensor2 x_;             // [rows, in]
};

// The fastest of these; the first is the default. Every candidate takes one
// turn in each round, in an order that rotates.
ProductKernels FastestOf(
    const std::vector<ProductKernels>& candidates,
    const std::function<double(const ProductKernels&)>& speed) {
  constexpr std::size_t kRounds = 31;
  const std::size_t count = candidates.size();
  std::vector<RoundOfSpeeds> rounds(kRounds, RoundOfSpeeds(count));
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t turn = 0; turn < count; ++turn) {
      const std::size_t i = (round + turn) % count;
      rounds[round][i] = speed(candidates[i]);
    }
  }
  return candidates[FastestCandidate(rounds)];
}

}  // namespace

ProductKernels FastestKernels(
    ProductKind kind,
    const std::function<double(const ProductKernels&)>& speed) {
  std::vector<ProductKernels> candidates = {{.set = BestInstructionSet()}};
  // Another set would change the bits of attention, which is small.
  if (BestInstructionSet() != SmallestInstructionSet() &&
      kind != ProductKind::kHeads) {
    candidates.push_back({.set = SmallestInstructionSet()});
  }
  if (kind != ProductKind::kTiles) {
    const std::vector<ProductKernels> sets = candidates;
    // Not 16 KiB: turns of nothing but products flatter it, and steps with it
    // took 4 to 10 % longer.
    for (const ProductKernels& at_default : sets) {
      candidates.push_back({.set = at_default.set, .bytes_ahead = 0});
      candidates.push_back({.set = at_default.set, .bytes_ahead = 2048});
      candidates.push_back({.set = at_default.set, .bytes_ahead = 4096});
    }
  }
  return FastestOf(candidates, speed);
}

std::string ChosenKernelsText(const ChosenKernels& choice) {
  constexpr std::array<const char*, 4> kKinds = {"panels", "rows", "tiles",
                                                 "keys and values"};
  constexpr std::array<const char*, 3> kTypes = {"F32", "F16", "BF16"};
  std::string text = kKinds[static_cast<std::size_t>(choice.kind)];
  text += " in ";
  text += kTypes[static_cast<std::size_t>(choice.type)];
  text += ": ";
  text += InstructionSetName(choice.kernels.set);
  if (choice.kind == ProductKind::kTiles) return text;
  if (choice.kernels.bytes_ahead == 0) return text + ", prefetched by hardware";
  return text + ", " + std::to_string(choice.kernels.bytes_ahead / 1024) +
         " KiB ahead";
}

std::vector<ChosenKernels> ChooseKernels(const Gpt2Weights& weights) {
  UseInstructionSet(BestInstructionSet());
  std::vector<ChosenKernels> choices;
  const auto choose = [&](ProductKind kind, DType type, const Pieces& pieces) {
    Turns turns(pieces, kind);
    if (turns.Bytes() < kMiB) return;
    const auto speed = [&](const ProductKernels& kernels) {
      return turns.Speed(kernels);
    };
    speed({.set = BestInstructionSet()});  // the first turn warms up
    const ChosenKernels choice = {kind, type, FastestKernels(kind, speed)};
    UseKernelsFor(kind, type, choice.kernels);
    choices.push_back(choice);
  };
  for (const ProductKind kind :
       {ProductKind::kPanels, ProductKind::kRows, ProductKind::kTiles}) {
    for (const DType type : {DType::kF32, DType::kF16, DType::kBF16}) {
      choose(kind, type, PiecesFor(weights, kind, type));
    }
  }
  const MadeUpCache cache(weights.config);
  choose(ProductKind::kHeads, DType::kF32,
         cache.Heads(weights.config.max_positions / 2));
  return choices;
}

}  // namespace kvlab
