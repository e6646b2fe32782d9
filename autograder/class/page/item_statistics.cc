#include "autograder/class/page/item_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

namespace kvlab::grading {
namespace {

// Sums of points leave rounding errors.
constexpr double kEpsilon = 1e-9;

bool IsLost(double share) { return share < 1 - kEpsilon; }

// What each person has earned, and could have.
struct Totals {
  std::vector<double> earned;
  std::vector<double> most;
};

Totals TotalsOf(std::span<const ItemScores> items, std::size_t people) {
  Totals totals = {.earned = std::vector<double>(people),
                   .most = std::vector<double>(people)};
  for (const ItemScores& item : items) {
    for (std::size_t i = 0; i < people; ++i) {
      if (!item.shares[i]) continue;
      totals.earned[i] += item.points * *item.shares[i];
      totals.most[i] += item.points;
    }
  }
  return totals;
}

struct Judged {
  double rest = 0;  // share of the points of all other checks
  bool lost = false;
};

std::vector<Judged> JudgedBy(const ItemScores& item, const Totals& totals) {
  std::vector<Judged> judged;
  for (std::size_t i = 0; i < item.shares.size(); ++i) {
    if (!item.shares[i]) continue;
    const double most = totals.most[i] - item.points;
    const double earned = totals.earned[i] - item.points * *item.shares[i];
    judged.push_back({.rest = most > kEpsilon ? earned / most : 0,
                      .lost = IsLost(*item.shares[i])});
  }
  return judged;
}

// Of the pairs of a person who passed and one who lost: the share in which the
// one who passed has the higher rest, half of those with the same rest among
// it. By ranks: H. B. Mann and D. R. Whitney 1947.
double ShareOfPairs(std::vector<Judged> judged, std::size_t lost) {
  std::ranges::sort(judged, {}, &Judged::rest);
  const std::size_t passed = judged.size() - lost;
  double ranks = 0;  // of those who passed
  for (std::size_t begin = 0; begin < judged.size();) {
    std::size_t end = begin;
    std::size_t passed_here = 0;
    while (end < judged.size() &&
           judged[end].rest <= judged[begin].rest + kEpsilon) {
      passed_here += judged[end].lost ? 0 : 1;
      ++end;
    }
    const double mean_rank = static_cast<double>(begin + 1 + end) / 2;
    ranks += mean_rank * static_cast<double>(passed_here);
    begin = end;
  }
  const auto count = static_cast<double>(passed);
  return (ranks - count * (count + 1) / 2) /
         (count * static_cast<double>(lost));
}

// Source: E. B. Wilson 1927, "Probable inference, the law of succession, and
// statistical inference", JASA 22.
Interval WilsonInterval(double share, std::size_t trials) {
  constexpr double kZ = 1.96;  // of 95 %
  const auto n = static_cast<double>(trials);
  const double shrink = 1 + kZ * kZ / n;
  const double middle = (share + kZ * kZ / (2 * n)) / shrink;
  const double half =
      kZ * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n)) / shrink;
  return {.low = middle - half, .high = middle + half};
}

std::optional<ItemFlag> FlagOf(const ItemStatistics& item) {
  if (item.judged == 0) return std::nullopt;
  if (item.lost == 0) return ItemFlag::kNeverLost;
  if (item.lost == item.judged) return ItemFlag::kAlwaysLost;
  if (item.interval.high < 0) return ItemFlag::kReversed;
  if (item.interval.high < kSeparatesWell) return ItemFlag::kSeparatesLittle;
  return std::nullopt;
}

ItemStatistics StatisticsOf(const ItemScores& item, const Totals& totals) {
  ItemStatistics statistics;
  for (const std::optional<double>& share : item.shares) {
    if (!share) continue;
    ++statistics.judged;
    statistics.lost += IsLost(*share) ? 1 : 0;
    statistics.difficulty += *share;
  }
  if (statistics.judged > 0) {
    statistics.difficulty /= static_cast<double>(statistics.judged);
  }
  const std::size_t smaller =
      std::min(statistics.lost, statistics.judged - statistics.lost);
  if (smaller > 0) {
    const double share = std::clamp(
        ShareOfPairs(JudgedBy(item, totals), statistics.lost), 0.0, 1.0);
    statistics.discrimination = 2 * share - 1;
    const Interval interval = WilsonInterval(share, smaller);
    statistics.interval = {.low = 2 * interval.low - 1,
                           .high = 2 * interval.high - 1};
  }
  statistics.flag = FlagOf(statistics);
  return statistics;
}

}  // namespace

std::vector<ItemStatistics> AnalyzeItems(std::span<const ItemScores> items) {
  if (items.empty()) return {};
  const Totals totals = TotalsOf(items, items.front().shares.size());
  std::vector<ItemStatistics> statistics;
  statistics.reserve(items.size());
  for (const ItemScores& item : items) {
    statistics.push_back(StatisticsOf(item, totals));
  }
  return statistics;
}

std::vector<std::vector<std::size_t>> ItemsThatAgree(
    std::span<const ItemScores> items) {
  enum class Outcome : std::uint8_t { kPassed, kLost, kNotJudged };
  std::map<std::vector<Outcome>, std::vector<std::size_t>> by_outcomes;
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::vector<Outcome> outcomes;
    for (const std::optional<double>& share : items[i].shares) {
      outcomes.push_back(!share           ? Outcome::kNotJudged
                         : IsLost(*share) ? Outcome::kLost
                                          : Outcome::kPassed);
    }
    const auto count = [&outcomes](Outcome outcome) {
      return static_cast<std::size_t>(std::ranges::count(outcomes, outcome));
    };
    if (std::min(count(Outcome::kLost), count(Outcome::kPassed)) >=
        kLeastAgreement) {
      by_outcomes[outcomes].push_back(i);
    }
  }
  std::vector<std::vector<std::size_t>> groups;
  for (const auto& [outcomes, group] : by_outcomes) {
    if (group.size() > 1) groups.push_back(group);
  }
  std::ranges::sort(groups);
  return groups;
}

}  // namespace kvlab::grading
