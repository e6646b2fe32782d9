// JUnit XML, which most build servers read.
// Source: github.com/windyroad/JUnit-Schema, JUnit.xsd: the output of Apache
// Ant's JUnit task.
#ifndef KVLAB_AUTOGRADER_REPORT_JUNIT_H_
#define KVLAB_AUTOGRADER_REPORT_JUNIT_H_

#include <string>

#include "autograder/report/report.h"

namespace kvlab::grading {

// A test suite per part, a test case per check. Lost points are a failure, even
// if some were earned; a check that was not run is skipped, or an error if its
// part could not be run at all.
std::string JunitXml(const Report& report);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_JUNIT_H_
