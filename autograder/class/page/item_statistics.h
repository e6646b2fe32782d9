// How the checks of a class behave: how hard each is, whether it separates
// those who know much from those who know little, and which look wrong.
#ifndef KVLAB_AUTOGRADER_CLASS_PAGE_ITEM_STATISTICS_H_
#define KVLAB_AUTOGRADER_CLASS_PAGE_ITEM_STATISTICS_H_

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace kvlab::grading {

// What one check gave to each person.
struct ItemScores {
  double points = 0;  // the most
  // By person: the share of the points, 0 to 1; none if it was not judged.
  std::vector<std::optional<double>> shares;
};

struct Interval {
  double low = 0;
  double high = 0;
};

// Why a check deserves a look.
enum class ItemFlag {
  kNeverLost,        // it tells people apart no more than a constant
  kAlwaysLost,       // the same
  kReversed,         // those who pass it have the lower rest of the score
  kSeparatesLittle,  // hardly better than a coin
};

struct ItemStatistics {
  std::size_t judged = 0;
  std::size_t lost = 0;   // people with less than all its points
  double difficulty = 0;  // the mean share of its points; 1 is easiest
  // From -1 to 1, 0 for a coin: how much more often, of a person who passed and
  // one who lost points, the one who passed has the higher rest of the score
  // (all other checks), less how often the other one has. None unless there are
  // both.
  // Source: E. E. Cureton 1956, "Rank-biserial correlation", Psychometrika 21;
  // with the rest and not the total, since the total contains the check.
  std::optional<double> discrimination;
  // 95 %. Wilson's with as many trials as the smaller group has people: the
  // variance of the share of pairs is at most that of as many coins.
  // Source: D. van Dantzig 1951, "On the consistency and the power of
  // Wilcoxon's two sample test", Indagationes Mathematicae 13.
  Interval interval;
  std::optional<ItemFlag> flag;
};

// A check separates little if even the upper end of its interval is below this:
// from 0.4 on R. L. Ebel 1972, "Essentials of Educational Measurement", calls a
// check very good. A check that only one person lost is never flagged so.
inline constexpr double kSeparatesWell = 0.4;

// Cost grows as checks times people times its logarithm. Every check must have
// a share for each person, or none.
std::vector<ItemStatistics> AnalyzeItems(std::span<const ItemScores> items);

// Checks that the same people lost, in groups of two or more, if at least
// kLeastAgreement people lost them and as many did not.
inline constexpr std::size_t kLeastAgreement = 2;
std::vector<std::vector<std::size_t>> ItemsThatAgree(
    std::span<const ItemScores> items);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_PAGE_ITEM_STATISTICS_H_
