// Reports for a submission that the grader could not grade: in every format,
// without a mark, saying that the grader failed.
#ifndef KVLAB_AUTOGRADER_REPORT_WRITE_FAILURE_H_
#define KVLAB_AUTOGRADER_REPORT_WRITE_FAILURE_H_

#include <filesystem>
#include <string>

namespace kvlab::grading {

// Writes the files that WriteReports would have. The reason is only in the
// instructor's file. Throws std::runtime_error if writing fails.
void WriteFailure(const std::string& name, const std::string& why,
                  const std::filesystem::path& folder);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_WRITE_FAILURE_H_
