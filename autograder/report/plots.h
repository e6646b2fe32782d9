// Plots of a submission's measurements: self-contained SVG.
#ifndef KVLAB_AUTOGRADER_REPORT_PLOTS_H_
#define KVLAB_AUTOGRADER_REPORT_PLOTS_H_

#include <vector>

#include "autograder/exam/measurement.h"
#include "autograder/report/html.h"

namespace kvlab::grading {

// How many times faster than recomputing, by the number of new tokens: the
// author's code with its interval, the reference's, and the thresholds for
// points. Both axes are logarithmic. At least one speedup.
Html SpeedupPlot(const std::vector<SpeedupMeasurement>& speedups);

// Memory of a process with a cache, by the number of tokens decoded, and the
// formula. At least one measurement, each with a sample.
Html MemoryPlot(const std::vector<CacheMemoryMeasurement>& memories);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_PLOTS_H_
