// How much of a machine's limit was reached. A limit is measured as well, so
// it can be wrong: another program ran meanwhile, or what was measured reads in
// a better way than the loop that measured the limit. A share is therefore that
// of rounds, in each of which both were measured one after the other, and is
// absent where the rounds disagree.
#ifndef KVLAB_KIT_MEASURE_SHARE_OF_ROOF_H_
#define KVLAB_KIT_MEASURE_SHARE_OF_ROOF_H_

#include <optional>
#include <string_view>
#include <vector>

namespace kvlab {

// What is printed in place of a share.
inline constexpr std::string_view kNotMeasurableNow = "not measurable now";

// Two measurements of the same thing may differ by this factor on a busy
// machine. A share above 1 by less is 1: a roof is never below what was
// measured under it.
inline constexpr double kRoofTolerance = 1.05;
// The third quartile of the rounds may be this many times the first.
inline constexpr double kRoundsAgree = 1.25;

// The median of the rounds' shares, each what was reached divided by the roof
// of the same round: above 0 and at most 1. nullopt, "not measurable now", for
// fewer than two rounds, for a share that is not positive and finite, if the
// rounds disagree by more than kRoundsAgree, and if the median is above
// kRoofTolerance: then the roof is not one.
// Cost: n log n.
std::optional<double> ShareOfRoof(std::vector<double> shares);

}  // namespace kvlab

#endif  // KVLAB_KIT_MEASURE_SHARE_OF_ROOF_H_
