#include "kit/testing/all_pairs.h"

#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kit/error.h"

namespace kvlab {
namespace {

// A choice for a feature.
using Setting = std::pair<std::size_t, std::size_t>;
// Two settings, the lower feature first.
using Pair = std::pair<Setting, Setting>;
// A row that is being filled.
using Partial = std::vector<std::optional<std::size_t>>;

Pair PairOf(const Setting& a, const Setting& b) {
  return a < b ? Pair{a, b} : Pair{b, a};
}

std::set<Pair> EveryPair(std::span<const std::size_t> choices) {
  std::set<Pair> pairs;
  for (std::size_t f = 0; f < choices.size(); ++f) {
    for (std::size_t g = f + 1; g < choices.size(); ++g) {
      for (std::size_t c = 0; c < choices[f]; ++c) {
        for (std::size_t d = 0; d < choices[g]; ++d) {
          pairs.insert({{f, c}, {g, d}});
        }
      }
    }
  }
  return pairs;
}

// How many missing pairs `setting` makes with the settings already in the row.
std::size_t NewPairs(const std::set<Pair>& missing, const Partial& row,
                     const Setting& setting) {
  std::size_t count = 0;
  for (std::size_t f = 0; f < row.size(); ++f) {
    if (row[f]) count += missing.count(PairOf({f, *row[f]}, setting));
  }
  return count;
}

// The choice for `feature` that makes the most missing pairs. On a tie the
// first after `start`, so that no choice is preferred in all rows.
std::size_t BestChoice(const std::set<Pair>& missing, const Partial& row,
                       const Setting& start, std::size_t choices) {
  const auto [feature, offset] = start;
  std::size_t best = offset % choices;
  std::size_t most = NewPairs(missing, row, {feature, best});
  for (std::size_t i = 1; i < choices; ++i) {
    const std::size_t choice = (offset + i) % choices;
    const std::size_t count = NewPairs(missing, row, {feature, choice});
    if (count > most) {
      best = choice;
      most = count;
    }
  }
  return best;
}

}  // namespace

std::vector<std::vector<std::size_t>> AllPairs(
    std::span<const std::size_t> choices) {
  for (std::size_t f = 0; f < choices.size(); ++f) {
    if (choices[f] == 0) {
      throw ContractError(
          "AllPairs: feature " + std::to_string(f) + " has no choice",
          "every row needs one", "leave the feature out");
    }
  }
  std::set<Pair> missing = EveryPair(choices);
  std::vector<std::vector<std::size_t>> rows;
  while (!missing.empty()) {
    const auto [first, second] = *missing.begin();
    Partial row(choices.size());
    row[first.first] = first.second;
    row[second.first] = second.second;
    for (std::size_t f = 0; f < choices.size(); ++f) {
      if (!row[f]) {
        row[f] = BestChoice(missing, row, {f, rows.size()}, choices[f]);
      }
    }
    for (std::size_t f = 0; f < choices.size(); ++f) {
      for (std::size_t g = f + 1; g < choices.size(); ++g) {
        missing.erase({{f, *row[f]}, {g, *row[g]}});
      }
    }
    rows.emplace_back();
    for (const std::optional<std::size_t>& choice : row) {
      rows.back().push_back(*choice);
    }
  }
  return rows;
}

}  // namespace kvlab
