// Decides by times on a machine with other load: each ratio compares two
// consecutive runs, and their median decides once it is clear.
#ifndef KVLAB_AUTOGRADER_EXAM_PAIRED_RATIOS_H_
#define KVLAB_AUTOGRADER_EXAM_PAIRED_RATIOS_H_

#include <cstddef>
#include <vector>

namespace kvlab::grading {

// A confidence interval of the true median.
struct MedianInterval {
  double low = 0;
  double high = 0;
};

class PairedRatios {
 public:
  void Add(double ratio);

  std::size_t Count() const { return sorted_.size(); }
  // Needs at least one ratio.
  double Median() const;

  // From six ratios on, the order statistics that enclose the true median in 95
  // of 100 cases, for any distribution (Conover, Practical Nonparametric
  // Statistics, 3.2). Fewer ratios cannot guarantee that: their range is
  // widened by its own width on both sides, and by a tenth at least. A single
  // ratio gives from half to twice its value.
  MedianInterval Interval() const;

  // Whether the interval contains `threshold`, so that the median may be on
  // either side.
  bool Straddle(double threshold) const;

 private:
  std::vector<double> sorted_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_PAIRED_RATIOS_H_
