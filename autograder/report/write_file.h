// Files that a grading writes.
#ifndef KVLAB_AUTOGRADER_REPORT_WRITE_FILE_H_
#define KVLAB_AUTOGRADER_REPORT_WRITE_FILE_H_

#include <filesystem>
#include <string>

namespace kvlab::grading {

// Both throw std::runtime_error if writing fails.
void MakeFolder(const std::filesystem::path& folder);
void WriteFile(const std::filesystem::path& file, const std::string& content);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_WRITE_FILE_H_
