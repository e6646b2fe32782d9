// What a platform exported, as attempts of people that are not yet looked up.
#ifndef KVLAB_AUTOGRADER_CLASS_FIND_ATTEMPTS_H_
#define KVLAB_AUTOGRADER_CLASS_FIND_ATTEMPTS_H_

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "autograder/class/roster.h"
#include "autograder/scoring/iso_time.h"

namespace kvlab::grading {

// One author of an attempt: the keys that the platform gives, which must name
// one person, the surest first.
using AuthorKeys = std::vector<std::string>;

struct FoundAttempt {
  std::vector<AuthorKeys> authors;
  std::optional<ClockTime> submitted_at;
  bool marked_late = false;
  // Of several from one author in one export: a later one has a higher number.
  unsigned number = 0;
  std::string origin;  // "canvas: all.zip, leeann_1_2_submission.zip"
  // The archive. Throws DataError if it cannot be read.
  std::function<std::string()> read;
};

struct FoundAttempts {
  std::vector<FoundAttempt> attempts;
  // What was not taken, and why.
  std::vector<std::string> ignored;
};

enum class Origin { kCanvas, kMoodle, kGradescope, kGit, kPlain };

// Finds attempts in
//   Canvas's bulk zip, Moodle's, or a folder that one unpacks to
//   Gradescope's export, a zip or a folder with submission_metadata.yml
//   a folder whose folders are git repositories, named by their authors
//   an archive named by its author (ann.zip), or a folder of such archives
// Several files of one person, of which none is the only archive, become one
// attempt. Throws DataError if `path` is none of these.
//   origin: what it is; without it, its content and the roster decide
FoundAttempts FindAttempts(const std::filesystem::path& path,
                           const Roster& roster,
                           const std::optional<Origin>& origin);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_FIND_ATTEMPTS_H_
