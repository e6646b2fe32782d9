// What GitHub Classroom's autograding reporter reads, before Base64.
// Source: github.com/classroom-resources/autograding-grading-reporter@v1, which
// takes it from the environment as ID_RESULTS; the fields of a test are those
// that github.com/classroom-resources/autograding-command-grader@v1 writes.
#ifndef KVLAB_AUTOGRADER_REPORT_GITHUB_CLASSROOM_H_
#define KVLAB_AUTOGRADER_REPORT_GITHUB_CLASSROOM_H_

#include <string>

#include "autograder/report/report.h"

namespace kvlab::grading {

// Version 1: one test per check, whose scores the reporter adds up; those
// that the author is not to see yet are one test. The
// reporter prints messages to the log of the workflow, where a line that begins
// with "::" is a command; no line of a message does.
std::string GithubClassroomJson(const Report& report);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_GITHUB_CLASSROOM_H_
