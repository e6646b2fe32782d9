// Compares times on a machine with other load: each ratio is that of two
// consecutive runs, so what slows the machine for a while slows both, and the
// median of the ratios counts.
#ifndef KVLAB_KIT_MEASURE_PAIRED_RATIOS_H_
#define KVLAB_KIT_MEASURE_PAIRED_RATIOS_H_

#include <cstddef>
#include <vector>

namespace kvlab {

// A confidence interval of the true median.
struct MedianInterval {
  double low = 0;
  double high = 0;
};

// All but Add and Count throw ContractError without a ratio.
class PairedRatios {
 public:
  // Cost: O(Count()).
  void Add(double ratio);

  std::size_t Count() const { return sorted_.size(); }

  double Median() const;
  // The smallest ratio and the largest.
  double Least() const;
  double Most() const;

  // From six ratios on, the order statistics that enclose the true median in 95
  // of 100 cases, for any distribution (Conover, Practical Nonparametric
  // Statistics, 3.2). Fewer ratios cannot guarantee that: their range is
  // widened by its own width on both sides, and by a tenth at least. A single
  // ratio gives from half to twice its value.
  MedianInterval Interval() const;

 private:
  void CheckNotEmpty(const char* caller) const;

  std::vector<double> sorted_;
};

}  // namespace kvlab

#endif  // KVLAB_KIT_MEASURE_PAIRED_RATIOS_H_
