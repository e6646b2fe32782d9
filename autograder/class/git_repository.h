// What a git repository holds at its last commit.
#ifndef KVLAB_AUTOGRADER_CLASS_GIT_REPOSITORY_H_
#define KVLAB_AUTOGRADER_CLASS_GIT_REPOSITORY_H_

#include <filesystem>
#include <optional>
#include <string>

#include "autograder/scoring/iso_time.h"

namespace kvlab::grading {

// Whether the folder is the top of a repository with a working tree.
bool IsGitRepository(const std::filesystem::path& folder);

struct CommittedFiles {
  std::string tar;     // of the files of HEAD
  std::string commit;  // its id
  // By the clock of the machine on which it was committed.
  std::optional<ClockTime> committed_at;
};

// Reads HEAD of an untrusted repository: through a clone, so that none of its
// settings, hooks or filters is obeyed. Throws DataError, naming the folder, if
// git cannot.
CommittedFiles ReadGitRepository(const std::filesystem::path& folder);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_GIT_REPOSITORY_H_
