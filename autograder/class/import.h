// Takes in what people handed in.
#ifndef KVLAB_AUTOGRADER_CLASS_IMPORT_H_
#define KVLAB_AUTOGRADER_CLASS_IMPORT_H_

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "autograder/class/find_attempts.h"
#include "autograder/class/gradebook.h"
#include "autograder/class/platform_csv.h"
#include "autograder/class/roster.h"
#include "autograder/scoring/iso_time.h"

namespace kvlab::grading {

struct ImportOptions {
  std::optional<Origin> origin = {};  // of the paths; else it is found out
  // Of attempts whose time the platform does not give.
  std::optional<ClockTime> submitted_at = {};
  // The platform's own list of people, for its numbers.
  const PlatformCsv* people = nullptr;
};

struct ImportSummary {
  std::size_t added = 0;
  std::size_t known = 0;        // the same bytes from the same person
  std::size_t times_added = 0;  // of attempts whose time was missing
  // A line each, safe to print.
  std::vector<std::string> strangers;   // not on the roster
  std::vector<std::string> refused;     // unreadable, or open to doubt
  std::vector<std::string> ignored;     // not handed in by anyone
  std::vector<std::string> late_marks;  // marked late, at an unknown time
};

// Stores every attempt of a person of the roster, all in one transaction.
// Nothing is guessed: what could belong to several people, or be an earlier or
// a later attempt, is refused and listed. Throws DataError, having stored
// nothing, if a path cannot be read as what it is.
ImportSummary Import(Gradebook& book, const Roster& roster,
                     const std::vector<std::filesystem::path>& paths,
                     const ImportOptions& options);

// The summary, then who handed in nothing and who handed in several times.
std::string ImportText(const ImportSummary& summary, const Gradebook& book,
                       const Roster& roster);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_IMPORT_H_
