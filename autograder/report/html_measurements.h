// A submission's measurements, as figures with their numbers.
#ifndef KVLAB_AUTOGRADER_REPORT_HTML_MEASUREMENTS_H_
#define KVLAB_AUTOGRADER_REPORT_HTML_MEASUREMENTS_H_

#include "autograder/exam/measurement.h"
#include "autograder/report/html.h"

namespace kvlab::grading {

// Empty if nothing was measured.
Html MeasurementsSection(const Measurements& measurements);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_HTML_MEASUREMENTS_H_
