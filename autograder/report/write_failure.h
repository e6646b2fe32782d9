// What is left of a submission that the grader could not grade: in every format
// whose fault that is, and no mark.
#ifndef KVLAB_AUTOGRADER_REPORT_WRITE_FAILURE_H_
#define KVLAB_AUTOGRADER_REPORT_WRITE_FAILURE_H_

#include <filesystem>
#include <string>

namespace kvlab::grading {

// Writes the files that WriteReports would have. Why the grader failed is the
// instructor's to read. Throws std::runtime_error if the disk refuses.
void WriteFailure(const std::string& name, const std::string& why,
                  const std::filesystem::path& folder);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_WRITE_FAILURE_H_
