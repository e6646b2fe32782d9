// The database of a class: what was handed in, what every mark rests on, and
// who grades what. docs/class.md describes its tables.
#ifndef KVLAB_AUTOGRADER_CLASS_GRADEBOOK_H_
#define KVLAB_AUTOGRADER_CLASS_GRADEBOOK_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/scoring/iso_time.h"

namespace SQLite {  // NOLINT(readability-identifier-naming): SQLiteCpp's own
class Database;
}

namespace kvlab::grading {

// "2027-01-15T23:59:00+01:00"
std::string IsoText(const ClockTime& time);

// What a person handed in, as it is imported.
struct NewAttempt {
  std::string student;  // an id of the roster
  // All who handed it in together, the student among them.
  std::vector<std::string> members;
  std::string_view content;  // an archive
  std::optional<ClockTime> submitted_at;
  bool marked_late = false;  // the platform says so
  std::string origin;        // "canvas: all.zip, ann_1_2_submission.zip"
};

enum class Stored {
  kNew,
  kKnown,      // this person handed in the same bytes before
  kTimeAdded,  // the same, whose time was not known until now
};

struct Attempt {
  std::int64_t id = 0;
  std::string student;
  std::vector<std::string> members;
  std::optional<ClockTime> submitted_at;
  bool marked_late = false;
  std::string origin;
  std::string digest;      // SHA-256 of the content
  std::uint64_t seed = 0;  // drawn when it was imported
};

// What a grading found, in JSON; see mark_record.h.
struct GradingRecord {
  std::int64_t id = 0;  // given when it is kept
  std::int64_t attempt = 0;
  std::string rubric;  // what was asked
  std::string marks;   // what came of it
  double points = 0;   // before any late policy or override
  double blocked_points = 0;
  std::string course_version;
  std::string machine;
  std::string isolation;
  std::string graded_at;    // UTC
  std::string reason = {};  // of a regrading: "--check mask"; "" otherwise
};

struct Override {
  std::string student;
  std::string check;
  double points = 0;
  std::string why;
  std::string by;
  std::string at;  // UTC
};

// What an appeal found; see appeal.h.
struct AppealRecord {
  std::int64_t grading = 0;  // the record that it is against
  bool stands = false;
  std::string runs;  // a list of marks, as a record has them
};

// One connection. Several processes may have one each; all wait for each other.
// Every function throws std::runtime_error if the database fails.
class Gradebook {
 public:
  // Opens or makes the file, and brings an older version's tables up to date.
  // Throws DataError if the file is another program's, or of a later version.
  explicit Gradebook(const std::filesystem::path& file);
  Gradebook(const Gradebook&) = delete;
  Gradebook& operator=(const Gradebook&) = delete;
  ~Gradebook();

  // Calls `change` in one transaction, which no other process can write beside;
  // changes nothing if it throws.
  void Atomically(const std::function<void()>& change);

  Stored Store(const NewAttempt& attempt);
  // In the order of their import.
  std::vector<Attempt> Attempts() const;
  std::string Content(const Attempt& attempt) const;

  // Of each attempt at most one is in force: the last.
  void Record(const GradingRecord& record);
  std::optional<GradingRecord> RecordOf(std::int64_t attempt) const;
  // All of them, the first one first.
  std::vector<GradingRecord> HistoryOf(std::int64_t attempt) const;
  // Those that have a record, and those whose record has blocked points.
  std::set<std::int64_t> Graded() const;
  std::set<std::int64_t> Blocked() const;

  // A record that is to replace the one in force, and does not yet. `request`
  // says what was asked for; the last of a request counts.
  void Propose(const GradingRecord& record, const std::string& request);
  // By attempt; without those whose attempt has another record by now than the
  // one that they were to replace.
  std::map<std::int64_t, GradingRecord> Proposals(
      const std::string& request) const;
  std::optional<GradingRecord> ProposalOf(std::int64_t attempt,
                                          const std::string& request) const;
  // The attempts of these whose proposal has no blocked points.
  std::set<std::int64_t> Decided(const std::string& request) const;
  // Puts it in force. All other proposals for the attempt end.
  void Publish(const GradingRecord& proposal);

  void KeepAppeal(const AppealRecord& appeal);

  // Which grader works at an attempt; see grader_lock.h.
  void Claim(std::int64_t attempt, const std::string& grader);
  // Throws std::runtime_error unless `grader` has it.
  void EndClaim(std::int64_t attempt, const std::string& grader);
  void DropClaimsOf(const std::string& grader);
  std::set<std::int64_t> Claimed() const;
  std::set<std::string> Graders() const;

  // Why a grader failed at an attempt; "" forgets it.
  void NoteFailure(std::int64_t attempt, const std::string& what);
  std::string FailureOf(std::int64_t attempt) const;

  void Set(const Override& change);
  // The last of each student and check, in the order in which they were made.
  std::vector<Override> Overrides() const;

  // A random text that this class keeps for itself, for pseudonyms.
  std::string Secret() const;

 private:
  std::unique_ptr<SQLite::Database> database_;
};

// The attempt of a person that counts: the latest; or, where the time of one is
// not known, the one imported last. Null without attempts.
const Attempt* CountingAttempt(const std::vector<Attempt>& attempts,
                               std::string_view student);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_GRADEBOOK_H_
