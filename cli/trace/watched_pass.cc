#include "cli/trace/watched_pass.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/trace/explain.h"
#include "cli/trace/table.h"
#include "cli/trace/uncached.h"
#include "fmt/format.h"
#include "kit/error.h"
#include "kit/model/token_batch.h"
#include "modules/02_transformer/attention_seam.h"
#include "modules/03_memoization/cached_attention.h"

namespace kvlab {
namespace {

// Ends a pass in which something was found.
struct Found {};
// Ends a pass as Pass::break_after asks.
struct BrokenOff {};

// Compares, and keeps the first difference.
class Comparing {
 public:
  Comparing(const Reference& reference, const Pass& pass, Watched& watched)
      : reference_(reference), pass_(pass), watched_(watched) {}

  const RunNumbers& Right() const { return reference_.run; }
  const Pass& CurrentPass() const { return pass_; }

  // Where the table is read from; null for a model without a cache.
  void WatchCache(const KvCache* cache) { cache_ = cache; }

  // The input [B, T, C] of a layer.
  void CheckInput(std::size_t layer, const Tensor3& x);
  // Lengths, views and rows of the cache, when `layer` has its new tokens and
  // those above do not. All layers have them if it is the last.
  void CheckCacheAfter(std::size_t layer);
  // The output [B, T, C] of a layer's attention.
  void CheckOutput(std::size_t layer, const Tensor3& output);
  void CheckLogits(const Tensor3& logits);

  [[noreturn]] void Report(Finding finding);

 private:
  bool IsPadding(std::size_t row, std::size_t position) const {
    return position < Right().LeftPad(row);
  }
  void CheckLengths(std::size_t layer);
  void CheckViews(std::size_t layer);
  void CheckRows(std::size_t layer);
  // The first place of [B, T, C] that differs.
  std::optional<Place> FirstDifferent(const Tensor3& seen,
                                      const Tensor3& right);

  const Reference& reference_;
  const Pass& pass_;
  Watched& watched_;
  const KvCache* cache_ = nullptr;
};

void Comparing::Report(Finding finding) {
  finding.run = watched_.run;
  finding.pass = pass_.name;
  try {
    watched_.table = TableOf({.right = Right(),
                              .cache = cache_,
                              .outputs = watched_.outputs,
                              .finding = finding});
  } catch (const std::exception& error) {
    // A finding without a picture is still a finding.
    finding.notes.push_back(
        fmt::format("the table cannot be read: {}", error.what()));
  }
  watched_.finding = std::move(finding);
  throw Found();
}

std::optional<Place> Comparing::FirstDifferent(const Tensor3& seen,
                                               const Tensor3& right) {
  const float scale = Largest({right.data(), right.size()});
  for (std::size_t t = 0; t < seen.shape(1); ++t) {
    const std::size_t position = pass_.begin + t;
    for (std::size_t b = 0; b < seen.shape(0); ++b) {
      if (IsPadding(b, position)) continue;
      if (!Agree(RowOf(seen, b, t), RowOf(right, b, position), scale)) {
        return Place{.row = b, .position = position};
      }
      ++watched_.compared;
    }
  }
  return std::nullopt;
}

void Comparing::CheckInput(std::size_t layer, const Tensor3& x) {
  const Tensor3& right = Right().layers[layer].x;
  std::optional<Place> place = FirstDifferent(x, right);
  if (!place.has_value()) return;
  place->layer = layer;
  const std::size_t row = *place->row;
  const std::size_t position = *place->position;
  const std::span<const float> seen = RowOf(x, row, position - pass_.begin);
  Finding finding = {.kind = FindingKind::kInput,
                     .tensor = "input x",
                     .place = *place,
                     .seen = Copied(seen),
                     .right = Copied(RowOf(right, row, position)),
                     .usually = InputMeans(layer)};
  if (layer == 0) {
    const float scale = Largest({right.data(), right.size()});
    const TokenId token = Right().tokens.ids(row, position);
    const std::optional<std::size_t> used =
        PositionUsed(reference_.weights, token, [&](const Tensor3& other) {
          return Agree(seen, RowOf(other, 0, 0), scale);
        });
    if (used.has_value()) {
      const std::size_t wanted = position - Right().LeftPad(row);
      finding.kind = FindingKind::kPosition;
      finding.notes.push_back(
          fmt::format("the token was embedded at position {}, and {} is right",
                      *used, wanted));
      finding.usually = PositionMeans(
          {.used = *used, .right = wanted, .in_pass = position - pass_.begin});
    }
  }
  Report(std::move(finding));
}

void Comparing::CheckLengths(std::size_t layer) {
  const std::size_t layers = Right().layers.size();
  for (std::size_t l = 0; l < layers; ++l) {
    const std::size_t right = l <= layer ? pass_.end : pass_.begin;
    const std::size_t seen = cache_->Layer(l).PastLen();
    if (seen == right) continue;
    Report({.kind = FindingKind::kLength,
            .tensor = "number of tokens held",
            .place = {.layer = l},
            .seen_text = fmt::format("layer {} holds {} tokens", l, seen),
            .right_text =
                fmt::format("{} tokens", right) +
                (pass_.begin == pass_.end
                     ? ""
                     : fmt::format(" after the attention of layer {}", layer)),
            .notes = LengthNotes(*cache_),
            .usually = LengthMeans({.seen = seen, .right = right})});
  }
  const std::size_t right = layer + 1 == layers ? pass_.end : pass_.begin;
  if (const std::size_t seen = cache_->PastLen(); seen != right) {
    Report({.kind = FindingKind::kLength,
            .tensor = "PastLen() of the whole cache",
            .place = {.layer = layer},
            .seen_text = fmt::format("{}", seen),
            .right_text = fmt::format("{}: what every layer holds", right),
            .notes = LengthNotes(*cache_),
            .usually = "in the middle of a pass the layers are not equally "
                       "long, and the cache holds what all of them hold."});
  }
}

void Comparing::CheckViews(std::size_t layer) {
  const CacheShape& shape = cache_->Shape();
  const LayerCache& held = cache_->Layer(layer);
  const std::array<std::size_t, 4> right = {shape.batch, shape.num_kv_heads,
                                            held.PastLen(), shape.head_dim};
  const auto check = [&](const char* name, const ConstView4& view) {
    const std::array<std::size_t, 4> seen = {view.shape(0), view.shape(1),
                                             view.shape(2), view.shape(3)};
    if (seen == right) return;
    Report(
        {.kind = FindingKind::kView,
         .tensor = name,
         .place = {.layer = layer},
         .seen_text = ShapeText(seen),
         .right_text = ShapeText(right),
         .notes = {fmt::format("the layer holds {} tokens, and there is room "
                               "for {}",
                               held.PastLen(), held.MaxSeqLen())},
         .usually = ViewMeans({.seen = seen[2],
                               .right = right[2],
                               .capacity = held.MaxSeqLen()})});
  };
  check("shape of Keys()", held.Keys());
  check("shape of Values()", held.Values());
}

void Comparing::CheckRows(std::size_t layer) {
  const LayerCache& held = cache_->Layer(layer);
  const LayerNumbers& numbers = Right().layers[layer];
  const auto check = [&](const char* name, const ConstView4& seen,
                         const Tensor4& right) {
    std::optional<Place> place =
        FirstDifferentRow(seen, right, Right().tokens.left_pad, held.PastLen());
    if (!place.has_value()) {
      watched_.compared += right.shape(0) * right.shape(1) * held.PastLen();
      return;
    }
    place->layer = layer;
    const std::span<const float> row =
        HeadMatrix(seen, *place->row, *place->head).Row(*place->position);
    Finding finding = {
        .kind = AllNan(row) ? FindingKind::kUnwritten : FindingKind::kRow,
        .tensor = name,
        .place = *place,
        .seen = Copied(row),
        .right =
            Copied(RowOf(right, *place->row, *place->head, *place->position))};
    if (finding.kind == FindingKind::kUnwritten) {
      finding.notes.emplace_back(
          "NaN: attention reads this row, and it was never written");
      finding.usually = UnwrittenMeans(*place);
    } else {
      const std::string owner = OwnerOf(row, Right(), *place);
      if (!owner.empty()) finding.notes.push_back(owner);
      finding.usually = RowMeans(owner);
    }
    Report(std::move(finding));
  };
  check("key in the cache", held.Keys(), numbers.keys);
  check("value in the cache", held.Values(), numbers.values);
}

void Comparing::CheckCacheAfter(std::size_t layer) {
  if (cache_ == nullptr) return;
  CheckLengths(layer);
  CheckViews(layer);
  CheckRows(layer);
}

void Comparing::CheckOutput(std::size_t layer, const Tensor3& output) {
  const LayerNumbers& numbers = Right().layers[layer];
  if (watched_.outputs.empty()) {
    Tensor3 nothing = numbers.output;
    nothing.fill(std::numeric_limits<float>::quiet_NaN());
    watched_.outputs.assign(Right().layers.size(), nothing);
  }
  for (std::size_t b = 0; b < output.shape(0); ++b) {
    for (std::size_t t = 0; t < output.shape(1); ++t) {
      std::ranges::copy(RowOf(output, b, t),
                        &watched_.outputs[layer](b, pass_.begin + t, 0));
    }
  }
  std::optional<Place> place = FirstDifferent(output, numbers.output);
  if (!place.has_value()) return;
  place->layer = layer;
  Report(ExplainOutput(
      {.reference = reference_,
       .place = *place,
       .begin = pass_.begin,
       .end = pass_.end},
      RowOf(output, *place->row, *place->position - pass_.begin)));
}

void Comparing::CheckLogits(const Tensor3& logits) {
  std::optional<Place> place = FirstDifferent(logits, Right().logits);
  if (!place.has_value()) return;
  Report(
      {.kind = FindingKind::kLogits,
       .tensor = "logits",
       .place = *place,
       .seen =
           Copied(RowOf(logits, *place->row, *place->position - pass_.begin)),
       .right = Copied(RowOf(Right().logits, *place->row, *place->position)),
       .usually = "every layer agrees: what follows the last block differs."});
}

// Passes everything on to the model's attention, and compares.
class Watching final : public Attention {
 public:
  Watching(std::unique_ptr<Attention> inner, Comparing& comparing)
      : inner_(std::move(inner)), comparing_(comparing) {}

  std::size_t PastLen() const override { return inner_->PastLen(); }
  bool Remembers() const override { return inner_->Remembers(); }

  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override {
    const auto* cached = dynamic_cast<const CachedAttention*>(inner_.get());
    comparing_.WatchCache(cached == nullptr ? nullptr : cached->Cache().get());
    comparing_.CheckInput(layer, x);
    Tensor3 output;
    std::string thrown;
    try {
      output = inner_->Forward(layer, x, weights, left_pad);
    } catch (const NotImplemented&) {
      throw;
    } catch (const std::exception& error) {
      thrown = error.what();
    }
    comparing_.CheckCacheAfter(layer);
    if (!thrown.empty()) {
      comparing_.Report({.kind = FindingKind::kThrew,
                         .tensor = "attention",
                         .place = {.layer = layer},
                         .seen_text = thrown,
                         .right_text = "a result",
                         .usually = "the cache is as it should be, so the call "
                                    "itself broke a contract."});
    }
    comparing_.CheckOutput(layer, output);
    if (comparing_.CurrentPass().break_after == layer) throw BrokenOff();
    return output;
  }

  std::unique_ptr<Attention> Inner() { return std::move(inner_); }

 private:
  std::unique_ptr<Attention> inner_;
  Comparing& comparing_;
};

// Watches the model's attention while it exists.
class WatchedModel {
 public:
  WatchedModel(Gpt2& model, Comparing& comparing) : model_(model) {
    auto placeholder =
        std::make_unique<FullAttention>(model.Config().num_heads);
    std::unique_ptr<Attention> inner =
        model.ReplaceAttention(std::move(placeholder));
    auto watching = std::make_unique<Watching>(std::move(inner), comparing);
    watching_ = watching.get();
    model.ReplaceAttention(std::move(watching));
  }
  WatchedModel(const WatchedModel&) = delete;
  WatchedModel& operator=(const WatchedModel&) = delete;
  ~WatchedModel() {
    // Kept until the model has its own attention back.
    std::unique_ptr<Attention> inner = watching_->Inner();
    model_.ReplaceAttention(std::move(inner));
  }

 private:
  Gpt2& model_;
  Watching* watching_ = nullptr;
};

TokenBatch ColumnsOf(const TokenBatch& tokens, const Pass& pass) {
  const std::size_t batch = tokens.ids.shape(0);
  TokenBatch columns = {
      .ids = Tokens::from_shape({batch, pass.end - pass.begin}),
      .left_pad = tokens.left_pad};
  for (std::size_t b = 0; b < batch; ++b) {
    for (std::size_t t = pass.begin; t < pass.end; ++t) {
      columns.ids(b, t - pass.begin) = tokens.ids(b, t);
    }
  }
  return columns;
}

}  // namespace

bool RunPass(Gpt2& model, const Reference& reference, const Pass& pass,
             Watched& watched) {
  Comparing comparing(reference, pass, watched);
  try {
    std::string thrown;
    try {
      const WatchedModel watching(model, comparing);
      comparing.CheckLogits(model.Forward(ColumnsOf(reference.run.tokens, pass),
                                          LogitsFor::kAllPositions));
    } catch (const NotImplemented&) {
      throw;
    } catch (const std::exception& error) {
      thrown = error.what();
    }
    if (!thrown.empty()) {
      comparing.Report({.kind = FindingKind::kThrew,
                        .tensor = "forward pass",
                        .seen_text = thrown,
                        .right_text = "logits",
                        .usually =
                            "the model refused the tokens before a layer "
                            "was reached, or something else than its "
                            "attention did."});
    }
  } catch (const Found&) {
    return false;
  } catch (const BrokenOff&) {
    return true;
  }
  return true;
}

bool CheckCache(const KvCache& cache, const Reference& reference,
                std::size_t end, Watched& watched) {
  const Pass pass = {.name = "", .begin = end, .end = end};
  Comparing comparing(reference, pass, watched);
  comparing.WatchCache(&cache);
  try {
    for (std::size_t l = 0; l < reference.run.layers.size(); ++l) {
      comparing.CheckCacheAfter(l);
    }
  } catch (const Found&) {
    return false;
  }
  return true;
}

}  // namespace kvlab
