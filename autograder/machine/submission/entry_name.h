// Classifies an entry of a submission by its name: as a file of the course, a
// file left by a tool, or an archive.
#ifndef KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ENTRY_NAME_H_
#define KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ENTRY_NAME_H_

#include <string>
#include <string_view>
#include <vector>

namespace kvlab::grading {

// The parts between separators, Windows' too, without "." parts.
std::vector<std::string> PartsOf(const std::string& name);

// Left by archivers, editors, version control and Bazel's links. The student
// did not hand it in on purpose, so it is not reported.
bool IsLeftByTools(const std::vector<std::string>& parts);

// Leads out of the submission, or is empty.
bool LeadsOut(const std::vector<std::string>& parts);

// "submission.zip", "homework.tar.gz": an archive that can be unpacked.
bool IsArchiveName(std::string_view name);

// An archive of an unsupported kind: .rar, .7z, .tar.xz, .tar.bz2.
bool IsForeignArchiveName(std::string_view name);

// In lower case, for ASCII letters only; the course's names are ASCII.
std::string Folded(std::string_view name);

// "attention (1).cc" and "attention-2.cc" are "attention.cc", as browsers and
// learning platforms rename repeated uploads; "" for other names.
std::string WithoutCopyNumber(const std::string& file);

// The name made safe to print: shortened, on one line.
std::string Shown(const std::string& name);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ENTRY_NAME_H_
