#include "cli/trace/explain.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/trace/numbers.h"
#include "cli/trace/uncached.h"
#include "fmt/format.h"
#include "modules/01_attention/attention.h"

namespace kvlab {
namespace {

// The heads whose result differs at a place: the output row is c_proj of all
// heads, so c_proj is solved for. Both sides are, since the error of the right
// one says how exact that is.
std::vector<std::size_t> DifferentHeads(const OutputPlace& where,
                                        std::span<const float> output) {
  const LayerNumbers& layer = where.reference.run.layers[*where.place.layer];
  const LinearWeights& c_proj =
      where.reference.weights->blocks[*where.place.layer].attn.c_proj;
  const std::size_t size = c_proj.weight.In();
  std::vector<std::vector<double>> weight(size, std::vector<double>(size));
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t o = 0; o < size; ++o) {
      weight[i][o] = c_proj.weight.At(i, o);
    }
  }
  std::vector<std::vector<double>> products(2, std::vector<double>(size));
  const std::span<const float> right =
      RowOf(layer.output, *where.place.row, *where.place.position);
  for (std::size_t o = 0; o < size; ++o) {
    const double bias = c_proj.bias.size() == 0 ? 0 : c_proj.bias(o);
    products[0][o] = output[o] - bias;
    products[1][o] = right[o] - bias;
  }
  const std::vector<std::vector<double>> heads = Solved(weight, products);
  if (heads.empty()) return {};

  const std::size_t head_dim = layer.attended.shape(3);
  double inexact =
      kTolerance * Largest({layer.attended.data(), layer.attended.size()});
  std::vector<double> apart(layer.attended.shape(1));
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t h = i / head_dim;
    const double exact = layer.attended(*where.place.row, h,
                                        *where.place.position, i % head_dim);
    constexpr double kMargin = 10;
    inexact = std::max(inexact, kMargin * std::abs(heads[1][i] - exact));
    apart[h] = std::max(apart[h], std::abs(heads[0][i] - heads[1][i]));
  }
  std::vector<std::size_t> different;
  for (std::size_t h = 0; h < apart.size(); ++h) {
    if (!(apart[h] <= inexact)) different.push_back(h);
  }
  return different;
}

// Whether module 1's attention itself gives another result for the queries of
// this pass over all keys than for the whole sequence.
bool AttentionDisagreesWithItself(const OutputPlace& where) {
  const RunNumbers& run = where.reference.run;
  const LayerNumbers& layer = run.layers[*where.place.layer];
  const auto columns = [](const Tensor4& tensor, std::size_t begin,
                          std::size_t end) {
    Tensor4 some = Tensor4::from_shape(
        {tensor.shape(0), tensor.shape(1), end - begin, tensor.shape(3)});
    for (std::size_t b = 0; b < tensor.shape(0); ++b) {
      for (std::size_t h = 0; h < tensor.shape(1); ++h) {
        for (std::size_t t = begin; t < end; ++t) {
          std::ranges::copy(RowOf(tensor, b, h, t), &some(b, h, t - begin, 0));
        }
      }
    }
    return some;
  };
  const Tensor4 queries = columns(layer.queries, where.begin, where.end);
  const Tensor4 keys = columns(layer.keys, 0, where.end);
  const Tensor4 values = columns(layer.values, 0, where.end);
  const Tensor4 attended =
      CausalAttention(queries, View(keys), View(values), run.tokens.left_pad);
  const float scale = Largest({layer.attended.data(), layer.attended.size()});
  for (std::size_t h = 0; h < attended.shape(1); ++h) {
    if (!Agree(
            RowOf(attended, *where.place.row, h,
                  *where.place.position - where.begin),
            RowOf(layer.attended, *where.place.row, h, *where.place.position),
            scale)) {
      return true;
    }
  }
  return false;
}

std::string HeadsText(const std::vector<std::size_t>& different,
                      std::size_t heads) {
  if (different.empty()) return {};
  if (different.size() == heads) return "every head differs";
  return fmt::format("{} of {} heads differ, the first is {}", different.size(),
                     heads, different.front());
}

}  // namespace

std::string InputMeans(std::size_t layer) {
  if (layer == 0) {
    return "no position of these tokens gives these numbers: they were "
           "embedded "
           "or normalised otherwise, or other tokens were fed.";
  }
  return fmt::format(
      "the attention of layer {} agrees, so the rest of that block differs: "
      "the residual, the second norm or the MLP, or the first norm of layer "
      "{}.",
      layer - 1, layer);
}

std::string PositionMeans(const UsedPosition& position) {
  if (position.used == position.in_pass) {
    return "each pass counts its positions from 0 again, as if the cache held "
           "no tokens: the model reads PastLen(), or the cache was emptied or "
           "is not the one in use.";
  }
  return position.used > position.right
             ? "more tokens are counted than this sequence has: leftovers of "
               "an "
               "earlier pass or prompt, or padding counted as tokens."
             : "fewer tokens are counted than the cache should hold, or "
               "padding "
               "is taken off twice.";
}

std::string LengthMeans(const TwoLengths& lengths) {
  if (lengths.right == 0) {
    return "something of an earlier prompt or pass was not forgotten.";
  }
  return lengths.seen < lengths.right
             ? "the new tokens did not reach this layer's cache, or reached "
               "another layer's, or it was emptied when it should not be."
             : "tokens were stored twice, or in the wrong layer, or leftovers "
               "of a pass that broke off are still there.";
}

std::string ViewMeans(const TwoLengths& lengths) {
  if (lengths.seen == lengths.capacity) {
    return "the view shows the storage, not the tokens held: beyond them there "
           "is only NaN.";
  }
  return lengths.seen < lengths.right
             ? "the view leaves tokens out that are already stored: a token "
               "sees "
               "its own key too."
             : "the view shows more than the tokens held.";
}

std::vector<std::string> LengthNotes(const KvCache& cache) {
  std::string text = "the layers hold ";
  for (std::size_t l = 0; l < cache.Shape().num_layers; ++l) {
    if (l > 0) text += ", ";
    text += fmt::format("{}", cache.Layer(l).PastLen());
  }
  return {text + " tokens"};
}

std::string UnwrittenMeans(const Place& place) {
  if (place.head.value_or(0) > 0 || place.row.value_or(0) > 0) {
    return "the first head of the first row is there and this one is not: not "
           "every head or row was stored, or the view looks for it in another "
           "place than Append stored it (strides).";
  }
  return "the row was counted and not stored, or stored elsewhere, or the view "
         "looks elsewhere.";
}

std::string RowMeans(const std::string& owner) {
  return owner.empty()
             ? "something else was stored, or stored numbers were changed "
               "afterwards."
             : "a row was stored or shown in another row's place.";
}

std::string SeenKeysMean(const PositionRange& seen, const PositionRange& right,
                         std::size_t begin) {
  if (seen.end > right.end) {
    return "a token sees keys of later tokens: the mask, and to which side of "
           "the table it is aligned.";
  }
  if (seen.end < right.end) {
    return "a token does not see the newest keys: the mask, and to which side "
           "of the table it is aligned.";
  }
  if (seen.begin == begin && begin > right.begin) {
    return "only the tokens of this pass are seen: what the cache holds is not "
           "read.";
  }
  return seen.begin < right.begin
             ? "padding is seen: left_pad, of the whole sequence, holds at "
               "every "
               "step and in full."
             : "old tokens are not seen, as if they were padding: a window, or "
               "padding counted from another start.";
}

Finding ExplainOutput(const OutputPlace& where, std::span<const float> output) {
  const RunNumbers& run = where.reference.run;
  const std::size_t layer = *where.place.layer;
  const std::size_t row = *where.place.row;
  const std::size_t position = *where.place.position;
  const LayerNumbers& numbers = run.layers[layer];
  const AttentionWeights& weights = where.reference.weights->blocks[layer].attn;
  Finding finding = {
      .kind = FindingKind::kOutput,
      .tensor = "output of attention",
      .place = where.place,
      .seen = Copied(output),
      .right = Copied(RowOf(numbers.output, row, position)),
      .notes = {"its input, and all keys and values in the cache, agree"}};
  const std::vector<std::size_t> heads = DifferentHeads(where, output);
  if (!heads.empty()) {
    finding.place.head = heads.front();
    finding.notes.push_back(HeadsText(heads, numbers.attended.shape(1)));
  }
  if (std::ranges::any_of(output, [](float x) { return std::isnan(x); })) {
    finding.notes.emplace_back(
        "NaN: something was read that was never written");
  }
  try {
    if (AttentionDisagreesWithItself(where)) {
      finding.tensor = "scores of attention (module 1)";
      finding.kind = FindingKind::kScores;
      finding.usually = fmt::format(
          "CausalAttention (1.3) itself gives this for {} {} "
          "over {} keys: the mask of a chunk, and to which side it "
          "is aligned.",
          where.end - where.begin,
          where.end - where.begin == 1 ? "query" : "queries", where.end);
      return finding;
    }
    const PositionRange right = {run.LeftPad(row), position + 1};
    const std::optional<PositionRange> seen =
        KeysSeen({run, layer, row, position}, weights, output, where.end);
    if (seen.has_value()) {
      finding.kind = FindingKind::kScores;
      finding.tensor = "scores of attention";
      finding.notes.push_back(fmt::format(
          "exactly what a query makes of keys {} to {}; it should see {} to {}",
          seen->begin, seen->end - 1, right.begin, right.end - 1));
      finding.usually = SeenKeysMean(*seen, right, where.begin);
      return finding;
    }
  } catch (const std::exception& error) {
    finding.notes.push_back(fmt::format(
        "module 1's attention over the same keys throws: {}", error.what()));
  }
  finding.usually =
      "no set of keys gives this: other queries, another scale, keys and "
      "values "
      "exchanged, or heads that are not merged and projected.";
  return finding;
}

}  // namespace kvlab
