// The picture of the repository's README: what ./kvlab demo measured.
#ifndef KVLAB_AUTOGRADER_REPORT_DEMO_PLOT_H_
#define KVLAB_AUTOGRADER_REPORT_DEMO_PLOT_H_

#include <string>
#include <string_view>

namespace kvlab::grading {

// An SVG file of the table that ./kvlab demo --csv writes: by the number of new
// tokens the measured speedup, the work saved, and what the course asks for.
// Both axes are logarithmic. Throws std::runtime_error if the table has no
// rows, or no positive number where one is needed.
std::string DemoPicture(std::string_view csv);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_DEMO_PLOT_H_
