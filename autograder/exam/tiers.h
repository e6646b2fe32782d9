// Points for a measured number: each threshold that it reaches gives a share.
#ifndef KVLAB_AUTOGRADER_EXAM_TIERS_H_
#define KVLAB_AUTOGRADER_EXAM_TIERS_H_

#include <string>
#include <vector>

namespace kvlab::grading {

struct Tier {
  double at_least = 0;  // the threshold; the larger the number, the better
  double share = 0;     // of the check's points, above 0 and up to 1
};

// From the highest threshold, whose share is 1, down to the lowest.
using Tiers = std::vector<Tier>;

// The share of the first tier that `measured` reaches, or 0.
double ShareFor(const Tiers& tiers, double measured);

// The same steps for a share of what the reference reached: full points from
// `of_reference`, and the lower thresholds in the same proportion to it as in
// `tiers`. None if `of_reference` is 0.
Tiers TiersOfReference(const Tiers& tiers, double of_reference);

// "full points", "half", "20 %", "none"
std::string ShareText(double share);

// "full points from 5, half from 2.5, 20 % from 1.5"
std::string TiersText(const Tiers& tiers);
// "full points from 60 %, half from 30 %"
std::string TiersTextInPercent(const Tiers& tiers);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_TIERS_H_
