#include "autograder/judges/02_transformer/sampling_trial.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "fmt/ranges.h"

namespace kvlab::grading {
namespace {

std::vector<std::size_t> ByFallingLogit(std::span<const float> logits) {
  std::vector<std::size_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), std::size_t{0});
  std::ranges::stable_sort(
      ids, [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  return ids;
}

std::size_t Kept(std::size_t vocab_size, const Sampling& sampling) {
  if (sampling.temperature == 0) return 1;
  return sampling.top_k == 0 ? vocab_size
                             : std::min(sampling.top_k, vocab_size);
}

}  // namespace

std::vector<Slot> Slots(std::span<const float> logits,
                        const Sampling& sampling) {
  std::vector<std::size_t> ids = ByFallingLogit(logits);
  ids.resize(Kept(logits.size(), sampling));
  std::vector<double> weights;
  for (const std::size_t id : ids) {
    const double below_max = double{logits[id]} - double{logits[ids[0]]};
    weights.push_back(sampling.temperature == 0
                          ? 1
                          : std::exp(below_max / sampling.temperature));
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<Slot> slots;
  double begin = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const double end = begin + weights[i] / sum;
    slots.push_back({static_cast<std::int64_t>(ids[i]), begin, end});
    begin = end;
  }
  return slots;
}

std::int64_t Drawn(const std::vector<Slot>& slots, double uniform) {
  for (const Slot& slot : slots) {
    if (uniform < slot.end) return slot.id;
  }
  return slots.back().id;
}

namespace {

// Draws that take the slots in another order.
using Draw = std::function<std::int64_t(double uniform)>;

bool Explains(const Draw& draw, std::span<const double> uniforms,
              std::span<const std::int64_t> drawn) {
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    if (draw(uniforms[i]) != drawn[i]) return false;
  }
  return true;
}

// By id, without sorting.
std::int64_t DrawnUnsorted(std::vector<Slot> slots, double uniform) {
  std::ranges::sort(slots, {}, &Slot::id);
  double sum = 0;
  for (const Slot& slot : slots) {
    sum += slot.end - slot.begin;
    if (uniform < sum) return slot.id;
  }
  return slots.back().id;
}

// Over the weights of all tokens, of which only some are kept.
std::int64_t DrawnBeforeCutting(std::span<const float> logits,
                                const Sampling& sampling, double uniform) {
  std::vector<Slot> slots =
      Slots(logits, {.temperature = sampling.temperature, .top_k = 0});
  slots.resize(Slots(logits, sampling).size());
  return Drawn(slots, uniform);
}

std::int64_t OneLater(const std::vector<Slot>& slots, double uniform) {
  const std::int64_t right = Drawn(slots, uniform);
  const auto at = std::ranges::find(slots, right, &Slot::id);
  return std::next(at) == slots.end() ? right : std::next(at)->id;
}

std::int64_t OneEarlier(const std::vector<Slot>& slots, double uniform) {
  const std::int64_t right = Drawn(slots, uniform);
  const auto at = std::ranges::find(slots, right, &Slot::id);
  return at == slots.begin() ? right : std::prev(at)->id;
}

}  // namespace

std::string WordsForDraws(std::span<const float> logits,
                          const Sampling& sampling,
                          std::span<const double> uniforms,
                          std::span<const std::int64_t> drawn) {
  const double heat = sampling.temperature;
  const std::vector<Slot> slots = Slots(logits, sampling);
  const auto as = [&](double temperature, std::size_t top_k) -> Draw {
    return [=](double uniform) {
      return Drawn(Slots(logits, {.temperature = temperature, .top_k = top_k}),
                   uniform);
    };
  };
  const std::vector<std::pair<const char*, Draw>> mistakes = {
      {"the largest logit was chosen each time", as(0, 0)},
      {"the temperature is not used", as(1, sampling.top_k)},
      {"logits are multiplied by the temperature, not divided",
       as(heat == 0 ? 1 : 1 / heat, sampling.top_k)},
      {"top_k is not used", as(heat == 0 ? 1 : heat, 0)},
      {"one token too many is kept", as(heat, sampling.top_k + 1)},
      {"one token too few is kept",
       as(heat, sampling.top_k > 1 ? sampling.top_k - 1 : sampling.top_k)},
      {"tokens are taken by their ids, not by falling probability",
       [&](double uniform) { return DrawnUnsorted(slots, uniform); }},
      {"the probabilities of the tokens kept do not sum to 1: cut by top_k "
       "first, then divide by the sum",
       [&](double uniform) {
         return DrawnBeforeCutting(logits, sampling, uniform);
       }},
      {"each draw is one token too late",
       [&](double uniform) { return OneLater(slots, uniform); }},
      {"each draw is one token too early",
       [&](double uniform) { return OneEarlier(slots, uniform); }},
      {"the uniform number is taken from the other end",
       [&](double uniform) { return Drawn(slots, 1 - uniform); }},
  };
  std::string words;
  for (const auto& [text, draw] : mistakes) {
    if (words.empty() && Explains(draw, uniforms, drawn)) words = text;
  }
  std::size_t right = 0;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    right += Drawn(slots, uniforms[i]) == drawn[i] ? 1 : 0;
  }
  return fmt::format("{}{}{} of {} draws {} right", words,
                     words.empty() ? "" : "; ", right, drawn.size(),
                     right == 1 ? "is" : "are");
}

std::string WordsForRows(std::span<const std::vector<float>> logits,
                         const Sampling& sampling,
                         std::span<const double> uniforms,
                         std::span<const std::int64_t> drawn) {
  const std::size_t rows = logits.size();
  if (drawn.size() != rows) {
    return fmt::format("{} tokens came back for {} rows", drawn.size(), rows);
  }
  const auto explains = [&](const auto& draw) {
    for (std::size_t b = 0; b < rows; ++b) {
      if (draw(b) != drawn[b]) return false;
    }
    return true;
  };
  const auto with = [&](const Sampling& other, auto uniform_of) {
    return [&, other, uniform_of](std::size_t b) {
      return Drawn(Slots(logits[b], other), uniforms[uniform_of(b)]);
    };
  };
  const auto own = [](std::size_t b) { return b; };
  if (explains(with(sampling, [](std::size_t) { return std::size_t{0}; }))) {
    return "every row is drawn with the first row's number";
  }
  if (explains(with(sampling, [&](std::size_t b) { return rows - 1 - b; }))) {
    return "the rows are drawn from the last to the first";
  }
  if (explains(with({.temperature = 0}, own))) {
    return "the largest logit was chosen in each row";
  }
  if (explains(with({.temperature = 1, .top_k = sampling.top_k}, own))) {
    return "the temperature is not used";
  }
  if (explains(with({.temperature = sampling.temperature}, own))) {
    return "top_k is not used";
  }
  if (explains([&](std::size_t b) {
        return Drawn(Slots(logits[0], sampling), uniforms[b]);
      })) {
    return "every row is drawn from the first row's logits";
  }
  std::vector<std::size_t> right;
  for (std::size_t b = 0; b < rows; ++b) {
    if (with(sampling, own)(b) == drawn[b]) right.push_back(b);
  }
  if (right.empty()) return "no row is right";
  return fmt::format("right are only rows: {}", fmt::join(right, ", "));
}

bool Clear(std::span<const float> logits, const Sampling& sampling,
           double uniform, double margin) {
  const std::vector<Slot> slots = Slots(logits, sampling);
  const std::int64_t drawn = Drawn(slots, uniform);
  // Neighbours in order must not be able to change places: those kept, and the
  // last one kept with the first one left out.
  const std::vector<std::size_t> order = ByFallingLogit(logits);
  for (std::size_t i = 0; i + 1 < order.size() && i < slots.size(); ++i) {
    if (logits[order[i]] - logits[order[i + 1]] < 2 * margin) return false;
  }
  if (sampling.temperature == 0) return true;
  // A logit moved by m changes each weight by a factor e^(+-m / temperature).
  const double shift = std::expm1(2 * margin / sampling.temperature);
  const auto slot = std::ranges::find(slots, drawn, &Slot::id);
  const bool first = slot == slots.begin();
  const bool last = std::next(slot) == slots.end();
  return (first || uniform - slot->begin > shift) &&
         (last || slot->end - uniform > shift);
}

}  // namespace kvlab::grading
