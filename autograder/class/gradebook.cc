#include "autograder/class/gradebook.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "SQLiteCpp/Database.h"
#include "SQLiteCpp/Statement.h"
#include "SQLiteCpp/Transaction.h"
#include "autograder/class/schema.h"
#include "autograder/machine/digest/digest.h"
#include "autograder/scoring/iso_time.h"
#include "fmt/chrono.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {
namespace {

using SQLite::Statement;

// Longer than any transaction here takes.
constexpr int kPatienceMs = 60'000;

std::string Now() {
  return fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr)));
}

std::uint64_t FreshSeed() {
  std::random_device device;
  constexpr unsigned kHalf = 32;
  return std::uint64_t{device()} << kHalf | device();
}

std::set<std::int64_t> Numbers(const SQLite::Database& database,
                               const char* query) {
  std::set<std::int64_t> numbers;
  Statement rows(database, query);
  while (rows.executeStep()) numbers.insert(rows.getColumn(0).getInt64());
  return numbers;
}

// The row of these bytes, which is made if necessary.
std::int64_t ContentRow(SQLite::Database& database, std::string_view bytes,
                        const std::string& digest) {
  Statement find(database, "SELECT id FROM content WHERE sha256 = ?");
  find.bind(1, digest);
  if (find.executeStep()) return find.getColumn(0).getInt64();
  Statement insert(database,
                   "INSERT INTO content (sha256, bytes) VALUES (?, ?)");
  insert.bind(1, digest);
  insert.bind(2, bytes.data(), static_cast<int>(bytes.size()));
  insert.exec();
  return database.getLastInsertRowid();
}

std::optional<ClockTime> TimeIn(const SQLite::Column& column) {
  if (column.isNull()) return std::nullopt;
  return ParseIsoTime(column.getString());
}

void BindTime(Statement& statement, int place,
              const std::optional<ClockTime>& time) {
  if (time) {
    statement.bind(place, IsoText(*time));
  } else {
    statement.bind(place);
  }
}

// The row of this text, which is made if necessary.
std::int64_t RubricRow(SQLite::Database& database, const std::string& rubric) {
  const std::string digest = Sha256(rubric);
  Statement insert(database,
                   "INSERT OR IGNORE INTO rubric (sha256, json) VALUES (?, ?)");
  insert.bind(1, digest);
  insert.bind(2, rubric);
  insert.exec();
  Statement find(database, "SELECT id FROM rubric WHERE sha256 = ?");
  find.bind(1, digest);
  find.executeStep();
  return find.getColumn(0).getInt64();
}

// The place of the last value.
int BindRecord(Statement& statement, const GradingRecord& record,
               std::int64_t rubric) {
  int place = 0;
  statement.bind(++place, record.attempt);
  statement.bind(++place, rubric);
  statement.bind(++place, record.marks);
  statement.bind(++place, record.points);
  statement.bind(++place, record.blocked_points);
  statement.bind(++place, record.course_version);
  statement.bind(++place, record.machine);
  statement.bind(++place, record.isolation);
  statement.bind(++place, record.graded_at);
  statement.bind(++place, record.reason);
  return place;
}

constexpr const char* kRecords =
    "SELECT record.id, attempt, json, marks, points, blocked_points, "
    "course_version, machine, isolation, graded_at, reason ";

GradingRecord RecordIn(Statement& row) {
  int column = 0;
  GradingRecord record;
  record.id = row.getColumn(column++).getInt64();
  record.attempt = row.getColumn(column++).getInt64();
  record.rubric = row.getColumn(column++).getString();
  record.marks = row.getColumn(column++).getString();
  record.points = row.getColumn(column++).getDouble();
  record.blocked_points = row.getColumn(column++).getDouble();
  record.course_version = row.getColumn(column++).getString();
  record.machine = row.getColumn(column++).getString();
  record.isolation = row.getColumn(column++).getString();
  record.graded_at = row.getColumn(column++).getString();
  record.reason = row.getColumn(column++).getString();
  return record;
}

}  // namespace

std::string IsoText(const ClockTime& time) {
  const long ahead = time.ahead.count();
  constexpr long kHour = 60;
  return fmt::format(
      "{:%FT%T}{}{:02}:{:02}",
      fmt::gmtime(std::chrono::system_clock::to_time_t(time.Reading())),
      ahead < 0 ? '-' : '+', std::abs(ahead) / kHour, std::abs(ahead) % kHour);
}

Gradebook::Gradebook(const std::filesystem::path& file)
    : database_(std::make_unique<SQLite::Database>(
          file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE,
          kPatienceMs)) {
  Migrate(*database_, file.string());
  // Readers do not wait for a writer, and a commit is on the disk when it
  // returns.
  database_->exec("PRAGMA journal_mode = WAL");
  database_->exec("PRAGMA synchronous = FULL");
  database_->exec("PRAGMA foreign_keys = ON");
}

Gradebook::~Gradebook() = default;

void Gradebook::Atomically(const std::function<void()>& change) {
  SQLite::Transaction transaction(*database_,
                                  SQLite::TransactionBehavior::IMMEDIATE);
  change();
  transaction.commit();
}

Stored Gradebook::Store(const NewAttempt& attempt) {
  const std::int64_t content =
      ContentRow(*database_, attempt.content, Sha256(attempt.content));
  Statement same(*database_,
                 "SELECT id, submitted_at FROM attempt "
                 "WHERE student = ? AND content = ?");
  same.bind(1, attempt.student);
  same.bind(2, content);
  while (same.executeStep()) {
    const std::optional<ClockTime> before = TimeIn(same.getColumn(1));
    if (!attempt.submitted_at) return Stored::kKnown;
    if (before && before->time == attempt.submitted_at->time) {
      return Stored::kKnown;
    }
    if (before) continue;  // the same bytes, handed in at two times
    Statement add(*database_,
                  "UPDATE attempt SET submitted_at = ? WHERE id = ?");
    BindTime(add, 1, attempt.submitted_at);
    add.bind(2, same.getColumn(0).getInt64());
    add.exec();
    return Stored::kTimeAdded;
  }
  Statement insert(*database_,
                   "INSERT INTO attempt (student, content, members, "
                   "submitted_at, marked_late, origin, imported_at, seed) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  int place = 0;
  insert.bind(++place, attempt.student);
  insert.bind(++place, content);
  insert.bind(++place, nlohmann::json(attempt.members).dump());
  BindTime(insert, ++place, attempt.submitted_at);
  insert.bind(++place, attempt.marked_late ? 1 : 0);
  insert.bind(++place, attempt.origin);
  insert.bind(++place, Now());
  insert.bind(++place, std::to_string(FreshSeed()));
  insert.exec();
  return Stored::kNew;
}

std::vector<Attempt> Gradebook::Attempts() const {
  std::vector<Attempt> attempts;
  Statement rows(*database_,
                 "SELECT attempt.id, student, members, submitted_at, "
                 "marked_late, origin, sha256, seed FROM attempt "
                 "JOIN content ON content.id = attempt.content "
                 "ORDER BY attempt.id");
  while (rows.executeStep()) {
    int column = 0;
    Attempt attempt;
    attempt.id = rows.getColumn(column++).getInt64();
    attempt.student = rows.getColumn(column++).getString();
    attempt.members =
        nlohmann::json::parse(rows.getColumn(column++).getString())
            .get<std::vector<std::string>>();
    attempt.submitted_at = TimeIn(rows.getColumn(column++));
    attempt.marked_late = rows.getColumn(column++).getInt() != 0;
    attempt.origin = rows.getColumn(column++).getString();
    attempt.digest = rows.getColumn(column++).getString();
    attempt.seed = std::stoull(rows.getColumn(column++).getString());
    attempts.push_back(std::move(attempt));
  }
  return attempts;
}

std::string Gradebook::Content(const Attempt& attempt) const {
  Statement row(*database_, "SELECT bytes FROM content WHERE sha256 = ?");
  row.bind(1, attempt.digest);
  if (!row.executeStep()) {
    throw std::runtime_error("the database has lost what " + attempt.student +
                             " handed in");
  }
  return row.getColumn(0).getString();
}

void Gradebook::Record(const GradingRecord& record) {
  Statement insert(*database_,
                   "INSERT INTO grading (attempt, rubric, marks, points, "
                   "blocked_points, course_version, machine, isolation, "
                   "graded_at, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  BindRecord(insert, record, RubricRow(*database_, record.rubric));
  insert.exec();
}

std::optional<GradingRecord> Gradebook::RecordOf(std::int64_t attempt) const {
  Statement row(*database_,
                std::string(kRecords) +
                    "FROM grading AS record "
                    "JOIN rubric ON rubric.id = record.rubric "
                    "WHERE attempt = ? ORDER BY record.id DESC LIMIT 1");
  row.bind(1, attempt);
  if (!row.executeStep()) return std::nullopt;
  return RecordIn(row);
}

std::vector<GradingRecord> Gradebook::HistoryOf(std::int64_t attempt) const {
  std::vector<GradingRecord> history;
  Statement rows(*database_, std::string(kRecords) +
                                 "FROM grading AS record "
                                 "JOIN rubric ON rubric.id = record.rubric "
                                 "WHERE attempt = ? ORDER BY record.id");
  rows.bind(1, attempt);
  while (rows.executeStep()) history.push_back(RecordIn(rows));
  return history;
}

void Gradebook::Propose(const GradingRecord& record,
                        const std::string& request) {
  Statement insert(*database_,
                   "INSERT OR REPLACE INTO proposal (attempt, rubric, marks, "
                   "points, blocked_points, course_version, machine, "
                   "isolation, graded_at, reason, request, based_on) VALUES "
                   "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                   "(SELECT max(id) FROM grading WHERE attempt = ?))");
  int place = BindRecord(insert, record, RubricRow(*database_, record.rubric));
  insert.bind(++place, request);
  insert.bind(++place, record.attempt);
  insert.exec();
}

std::map<std::int64_t, GradingRecord> Gradebook::Proposals(
    const std::string& request) const {
  std::map<std::int64_t, GradingRecord> proposals;
  Statement rows(*database_,
                 std::string(kRecords) +
                     "FROM proposal AS record "
                     "JOIN rubric ON rubric.id = record.rubric "
                     "WHERE request = ? AND based_on IN "
                     "(SELECT max(id) FROM grading GROUP BY attempt)");
  rows.bind(1, request);
  while (rows.executeStep()) {
    GradingRecord record = RecordIn(rows);
    const std::int64_t attempt = record.attempt;
    proposals.emplace(attempt, std::move(record));
  }
  return proposals;
}

std::optional<GradingRecord> Gradebook::ProposalOf(
    std::int64_t attempt, const std::string& request) const {
  Statement row(*database_, std::string(kRecords) +
                                "FROM proposal AS record "
                                "JOIN rubric ON rubric.id = record.rubric "
                                "WHERE attempt = ? AND request = ? AND "
                                "based_on = (SELECT max(id) FROM grading AS "
                                "latest WHERE latest.attempt = ?)");
  row.bind(1, attempt);
  row.bind(2, request);
  row.bind(3, attempt);
  if (!row.executeStep()) return std::nullopt;
  return RecordIn(row);
}

std::set<std::int64_t> Gradebook::Decided(const std::string& request) const {
  std::set<std::int64_t> attempts;
  Statement rows(*database_,
                 "SELECT attempt FROM proposal WHERE request = ? AND "
                 "blocked_points = 0 AND based_on IN "
                 "(SELECT max(id) FROM grading GROUP BY attempt)");
  rows.bind(1, request);
  while (rows.executeStep()) attempts.insert(rows.getColumn(0).getInt64());
  return attempts;
}

void Gradebook::Publish(const GradingRecord& proposal) {
  Record(proposal);
  Statement remove(*database_, "DELETE FROM proposal WHERE attempt = ?");
  remove.bind(1, proposal.attempt);
  remove.exec();
}

std::set<std::int64_t> Gradebook::Graded() const {
  return Numbers(*database_, "SELECT attempt FROM grading");
}

std::set<std::int64_t> Gradebook::Blocked() const {
  return Numbers(*database_,
                 "SELECT attempt FROM grading WHERE blocked_points > 0 AND id "
                 "IN (SELECT max(id) FROM grading GROUP BY attempt)");
}

void Gradebook::KeepAppeal(const AppealRecord& appeal) {
  Statement insert(*database_,
                   "INSERT INTO appeal (grading, stands, runs, made_at) "
                   "VALUES (?, ?, ?, ?)");
  int place = 0;
  insert.bind(++place, appeal.grading);
  insert.bind(++place, appeal.stands ? 1 : 0);
  insert.bind(++place, appeal.runs);
  insert.bind(++place, Now());
  insert.exec();
}

void Gradebook::Claim(std::int64_t attempt, const std::string& grader) {
  Statement insert(*database_,
                   "INSERT INTO claim (attempt, grader) VALUES (?, ?)");
  insert.bind(1, attempt);
  insert.bind(2, grader);
  insert.exec();
}

void Gradebook::EndClaim(std::int64_t attempt, const std::string& grader) {
  Statement remove(*database_,
                   "DELETE FROM claim WHERE attempt = ? AND grader = ?");
  remove.bind(1, attempt);
  remove.bind(2, grader);
  if (remove.exec() != 1) {
    throw std::runtime_error(
        "another grader has taken over the attempt that this one worked at");
  }
}

void Gradebook::DropClaimsOf(const std::string& grader) {
  Statement remove(*database_, "DELETE FROM claim WHERE grader = ?");
  remove.bind(1, grader);
  remove.exec();
}

std::set<std::int64_t> Gradebook::Claimed() const {
  return Numbers(*database_, "SELECT attempt FROM claim");
}

std::set<std::string> Gradebook::Graders() const {
  std::set<std::string> graders;
  Statement rows(*database_, "SELECT DISTINCT grader FROM claim");
  while (rows.executeStep()) graders.insert(rows.getColumn(0).getString());
  return graders;
}

void Gradebook::NoteFailure(std::int64_t attempt, const std::string& what) {
  Statement change(*database_,
                   what.empty()
                       ? "DELETE FROM failure WHERE attempt = ?"
                       : "INSERT OR REPLACE INTO failure VALUES (?, ?)");
  change.bind(1, attempt);
  if (!what.empty()) change.bind(2, what);
  change.exec();
}

std::string Gradebook::FailureOf(std::int64_t attempt) const {
  Statement row(*database_, "SELECT what FROM failure WHERE attempt = ?");
  row.bind(1, attempt);
  return row.executeStep() ? row.getColumn(0).getString() : "";
}

void Gradebook::Set(const Override& change) {
  Statement insert(*database_,
                   "INSERT INTO override (student, check_name, points, why, "
                   "made_by, made_at) VALUES (?, ?, ?, ?, ?, ?)");
  int place = 0;
  insert.bind(++place, change.student);
  insert.bind(++place, change.check);
  insert.bind(++place, change.points);
  insert.bind(++place, change.why);
  insert.bind(++place, change.by);
  insert.bind(++place, change.at.empty() ? Now() : change.at);
  insert.exec();
}

std::vector<Override> Gradebook::Overrides() const {
  std::vector<Override> overrides;
  Statement rows(*database_,
                 "SELECT student, check_name, points, why, made_by, made_at "
                 "FROM override WHERE id IN (SELECT max(id) FROM override "
                 "GROUP BY student, check_name) ORDER BY id");
  while (rows.executeStep()) {
    int column = 0;
    Override change;
    change.student = rows.getColumn(column++).getString();
    change.check = rows.getColumn(column++).getString();
    change.points = rows.getColumn(column++).getDouble();
    change.why = rows.getColumn(column++).getString();
    change.by = rows.getColumn(column++).getString();
    change.at = rows.getColumn(column++).getString();
    overrides.push_back(std::move(change));
  }
  return overrides;
}

std::string Gradebook::Secret() const {
  return database_->execAndGet("SELECT secret FROM class").getString();
}

const Attempt* CountingAttempt(const std::vector<Attempt>& attempts,
                               std::string_view student) {
  const Attempt* latest = nullptr;
  const Attempt* imported_last = nullptr;
  bool all_timed = true;
  for (const Attempt& attempt : attempts) {
    if (attempt.student != student) continue;
    imported_last = &attempt;
    all_timed = all_timed && attempt.submitted_at.has_value();
    if (attempt.submitted_at &&
        (latest == nullptr ||
         latest->submitted_at->time <= attempt.submitted_at->time)) {
      latest = &attempt;
    }
  }
  return all_timed ? latest : imported_last;
}

}  // namespace kvlab::grading
