// Reads what a student handed in: a folder or a zip. All of it is untrusted;
// only the files that a module names are taken.
#ifndef KVLAB_AUTOGRADER_MACHINE_SUBMISSION_SUBMISSION_H_
#define KVLAB_AUTOGRADER_MACHINE_SUBMISSION_SUBMISSION_H_

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "autograder/machine/submission/module_files.h"

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
  // Other files: the first names, made printable, and their number.
  std::vector<std::string> ignored;
  std::size_t ignored_count = 0;
  // Where files were found outside the folder of their module.
  std::vector<std::string> taken_by_name;
  // What could not be read, one sentence each.
  std::vector<std::string> notes;
};

// A file is found as NN_name/file below any folders or, since no two files of
// the course have the same name, by its name alone: in a flat upload, in other
// letter cases, or as "file (1).cc". An archive in the submission is read as a
// folder. The better match wins. Two different files that match equally well
// are both rejected, since either may be meant. Links, devices and names that
// lead out of the submission are never followed, and the sizes that an archive
// states are never trusted. Files left by archivers and editors are skipped.
//
// Throws DataError if `path` is neither a folder nor a zip or tar archive that
// can be opened.
Submission ReadSubmission(const std::filesystem::path& path,
                          std::span<const ModuleFiles> modules);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SUBMISSION_SUBMISSION_H_
