// What the name of a submission's entry says: which file of the course it may
// be, whether a tool left it there, whether it is an archive of its own.
#ifndef KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ENTRY_NAME_H_
#define KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ENTRY_NAME_H_

#include <string>
#include <string_view>
#include <vector>

namespace kvlab::grading {

// The parts between separators, Windows' too, without "." parts.
std::vector<std::string> PartsOf(const std::string& name);

// Left by archivers, editors, version control and Bazel's links: nobody handed
// it in, so nobody reads about it.
bool IsLeftByTools(const std::vector<std::string>& parts);

// Leads out of the submission, or is no name at all.
bool LeadsOut(const std::vector<std::string>& parts);

// "submission.zip", "homework.tar.gz": something that can be unpacked here.
bool IsArchiveName(std::string_view name);

// An archive of a kind that is not read here: .rar, .7z, .tar.xz, .tar.bz2.
bool IsForeignArchiveName(std::string_view name);

// In lower case, as far as it is ASCII; names of the course are.
std::string Folded(std::string_view name);

// "attention (1).cc" and "attention-2.cc" are "attention.cc", as browsers and
// learning platforms rename what is handed in once more; "" for other names.
std::string WithoutCopyNumber(const std::string& file);

// The name as people may see it: not too long, in one line.
std::string Shown(const std::string& name);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ENTRY_NAME_H_
