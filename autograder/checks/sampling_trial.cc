#include "autograder/checks/sampling_trial.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <span>
#include <vector>

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
