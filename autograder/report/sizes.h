// Limits on the length of reports, whatever a submission does.
#ifndef KVLAB_AUTOGRADER_REPORT_SIZES_H_
#define KVLAB_AUTOGRADER_REPORT_SIZES_H_

#include <cstddef>
#include <functional>
#include <string>

#include "autograder/report/report.h"

namespace kvlab::grading {

// The limit for platforms' files. The tightest is PrairieLearn's, which
// discards results over 1 MB; Autolab truncates a job's output in the middle.
inline constexpr std::size_t kMostReportBytes = 400000;

// An HTML page is longer than its data, and is mailed or kept, not parsed.
inline constexpr std::size_t kMostPageBytes = 2 * kMostReportBytes;

// `write` applied to the report as it is or, while the result is longer than
// `most`, with every text of the submission shortened further.
std::string WithinBytes(
    const Report& report, std::size_t most,
    const std::function<std::string(const Report& report)>& write);

// The report with every text of the submission cut to this many characters.
Report WithShortTexts(const Report& report, std::size_t characters);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_SIZES_H_
