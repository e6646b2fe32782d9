// Names of submissions in reports, tables and folders.
#ifndef KVLAB_AUTOGRADER_MACHINE_SUBMISSION_SUBMISSION_NAMES_H_
#define KVLAB_AUTOGRADER_MACHINE_SUBMISSION_SUBMISSION_NAMES_H_

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace kvlab::grading {

// A name for each path; no two are equal, even when the letters' case is
// ignored. Of several paths it is the first part that differs:
// ann/submission.zip and bob/submission-2.zip are "ann" and "bob". More parts
// are added where that is not unique, and a number where those are not. Of a
// single path it is the last part. Fit for a folder and for a terminal:
// o'brien@example.edu and müller stay as they are; what is neither a letter or
// digit of some language nor one of . _ - @ + , ' becomes '_'.
std::vector<std::string> SubmissionNames(
    std::span<const std::filesystem::path> paths);

// `out`/name or, if there is such a file or folder, `out`/name-2, and so on:
// nothing is overwritten.
std::filesystem::path NewFolder(const std::filesystem::path& out,
                                const std::string& name);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SUBMISSION_SUBMISSION_NAMES_H_
