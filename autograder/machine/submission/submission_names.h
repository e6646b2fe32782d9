// What submissions are called in reports, tables and folders.
#ifndef KVLAB_AUTOGRADER_MACHINE_SUBMISSION_SUBMISSION_NAMES_H_
#define KVLAB_AUTOGRADER_MACHINE_SUBMISSION_SUBMISSION_NAMES_H_

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace kvlab::grading {

// A name for each path, no two of them equal, whatever the letters' case. Of
// several paths it is the first part that differs: ann/submission.zip and
// bob/submission-2.zip are "ann" and "bob"; with more parts where that does not
// tell them apart, and a number where nothing does. Of a single path it is the
// last part. Fit for a folder and for a terminal: o'brien@example.edu and
// müller stay as they are; what is neither a letter or digit of some language
// nor one of . _ - @ + , ' becomes '_'.
std::vector<std::string> SubmissionNames(
    std::span<const std::filesystem::path> paths);

// `out`/name or, if there is such a file or folder, `out`/name-2, and so on:
// nothing that is there is written over.
std::filesystem::path NewFolder(const std::filesystem::path& out,
                                const std::string& name);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SUBMISSION_SUBMISSION_NAMES_H_
