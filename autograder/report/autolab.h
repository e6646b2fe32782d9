// Autolab's autoresult: the last line of an autograder's standard output.
// Source: docs.autolabproject.com, "Guide for Lab Authors", section "Writing
// Autograders", and "Scoreboards".
#ifndef KVLAB_AUTOGRADER_REPORT_AUTOLAB_H_
#define KVLAB_AUTOGRADER_REPORT_AUTOLAB_H_

#include <string>

#include "autograder/report/report.h"

namespace kvlab::grading {

// One line. "scores": the points of each part, a problem in Autolab's words, by
// its short title ("Module 1"). "scoreboard": all points, then the speedup at
// each length in the rubric, 0 where none was measured.
std::string AutolabLine(const Report& report);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_AUTOLAB_H_
