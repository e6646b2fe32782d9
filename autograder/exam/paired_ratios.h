// Deciding by times on a machine that does other things too: each ratio is of
// two runs one after the other, and their median decides once it is clear.
#ifndef KVLAB_AUTOGRADER_EXAM_PAIRED_RATIOS_H_
#define KVLAB_AUTOGRADER_EXAM_PAIRED_RATIOS_H_

#include <cstddef>
#include <vector>

namespace kvlab::grading {

// Where the true median is believed to lie.
struct MedianInterval {
  double low = 0;
  double high = 0;
};

class PairedRatios {
 public:
  void Add(double ratio);

  std::size_t Count() const { return sorted_.size(); }
  // At least one ratio is there.
  double Median() const;

  // From six ratios on, the order statistics between which the true median
  // lies in 95 of 100 cases, whatever the distribution (Conover, Practical
  // Nonparametric Statistics, 3.2). Fewer cannot promise that: their range is
  // widened by its own width on both sides, and by a tenth at least; one
  // alone, by half and by twice.
  MedianInterval Interval() const;

  // Whether the interval leaves open on which side of `threshold` the median
  // lies.
  bool Straddle(double threshold) const;

 private:
  std::vector<double> sorted_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_PAIRED_RATIOS_H_
