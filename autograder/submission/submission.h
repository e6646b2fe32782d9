// Reads what a student handed in: a folder or a zip. All of it is hostile
// until it has been looked at; only the files that a module names are taken.
#ifndef KVLAB_AUTOGRADER_SUBMISSION_SUBMISSION_H_
#define KVLAB_AUTOGRADER_SUBMISSION_SUBMISSION_H_

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "autograder/submission/module_files.h"

namespace kvlab::grading {

// A longer source file is refused.
inline constexpr std::size_t kMaxSourceBytes = std::size_t{1} << 20U;

// One file that a module asks for.
struct SubmittedFile {
  std::string content;
  std::string found_at;  // its name in the submission; "" if it is missing
  // Why there is no content: "it is missing", "it is a symbolic link", ...
  std::string problem;

  bool IsPresent() const { return problem.empty(); }
};

struct Submission {
  // Every file that a module asks for, by its CoursePath.
  std::map<std::string, SubmittedFile> files;
  // What else was there: the first names, made printable, and how many.
  std::vector<std::string> ignored;
  std::size_t ignored_count = 0;
};

// A file is found as NN_name/file or modules/NN_name/file, at the top or below
// a few nested folders. One that is there twice is refused, since nobody can
// know which was meant. Links, devices and names that lead out of the
// submission are never followed, sizes that an archive states never believed.
//
// Throws DataError if `path` is neither a folder nor a zip archive that can be
// opened.
Submission ReadSubmission(const std::filesystem::path& path,
                          std::span<const ModuleFiles> modules);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SUBMISSION_SUBMISSION_H_
