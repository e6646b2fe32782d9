// A report as the database keeps it: what was asked, once for each rubric, and
// what came of it.
#ifndef KVLAB_AUTOGRADER_CLASS_MARK_RECORD_H_
#define KVLAB_AUTOGRADER_CLASS_MARK_RECORD_H_

#include <memory>
#include <string>

#include "autograder/report/report.h"
#include "autograder/scoring/rubric.h"

namespace kvlab::grading {

// Parts, tasks, checks and limits, in JSON: all of a rubric but its late
// policy. The same rubric gives the same text.
std::string RubricRecord(const Rubric& rubric);

// Marks, seed, isolation, notices, and every number that was measured, each
// timed pair among them, in JSON. Not the lateness, the name, or what the
// author may see: those can change after the grading.
std::string MarksRecord(const Report& report);

// The reverse, for the rubric that the marks are of, which must outlive the
// report. Throws DataError if the text is not of MarksRecord, or the marks not
// of this rubric.
Report ReportFrom(const std::string& marks_text, const Rubric& rubric);

// A report, and the rubric that it refers to.
struct RestoredReport {
  std::unique_ptr<Rubric> rubric;
  Report report;
  // False for a record of an earlier kvlab, which kept only what a report
  // shows: no settings, no limits, no facts of checks.
  bool is_complete = false;
};

// The reverse of both functions. Throws DataError if the texts are not of them,
// or the marks not of this rubric.
RestoredReport Restore(const std::string& rubric_text,
                       const std::string& marks_text);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_MARK_RECORD_H_
