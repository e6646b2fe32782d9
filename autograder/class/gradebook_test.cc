// What the database of a class keeps, and what a second process may do.
#include "autograder/class/gradebook.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

#include "SQLiteCpp/Database.h"
#include "autograder/class/schema.h"
#include "autograder/class/test_folder.h"
#include "autograder/machine/digest/digest.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::optional<ClockTime> At(const std::string& text) {
  return ParseIsoTime(text);
}

NewAttempt AttemptOf(const std::string& student, std::string_view content,
                     const std::optional<ClockTime>& time = {}) {
  return {.student = student,
          .members = {student},
          .content = content,
          .submitted_at = time,
          .origin = "plain: " + student + ".zip"};
}

class GradebookTest : public testing::Test {
 protected:
  std::filesystem::path File() const { return folder_.Path() / "class.sqlite"; }

  TestFolder folder_;
};

TEST_F(GradebookTest, AnAttemptIsKeptWithItsTimeAndOrigin) {
  const std::string bytes("PK\0\x01\xFF", 5);
  Gradebook book(File());
  NewAttempt attempt =
      AttemptOf("m\u00FCller", bytes, At("2027-01-15T23:59:00+01:00"));
  attempt.members = {"m\u00FCller", "o'brien"};
  attempt.marked_late = true;
  EXPECT_EQ(book.Store(attempt), Stored::kNew);

  const Gradebook again(File());
  const std::vector<Attempt> attempts = again.Attempts();
  ASSERT_EQ(attempts.size(), 1U);
  EXPECT_EQ(attempts[0].student, "m\u00FCller");
  EXPECT_THAT(attempts[0].members, ElementsAre("m\u00FCller", "o'brien"));
  EXPECT_EQ(IsoText(*attempts[0].submitted_at), "2027-01-15T23:59:00+01:00");
  EXPECT_TRUE(attempts[0].marked_late);
  EXPECT_EQ(attempts[0].origin, "plain: m\u00FCller.zip");
  EXPECT_EQ(again.Content(attempts[0]), bytes);
}

TEST_F(GradebookTest, TheSameBytesAgainChangeNothing) {
  Gradebook book(File());
  const auto time = At("2027-01-15T12:00:00Z");
  book.Store(AttemptOf("ann", "A", time));
  const std::uint64_t seed = book.Attempts().front().seed;
  EXPECT_EQ(book.Store(AttemptOf("ann", "A", time)), Stored::kKnown);
  EXPECT_EQ(book.Store(AttemptOf("ann", "A")), Stored::kKnown)
      << "without a time: nothing new";
  ASSERT_EQ(book.Attempts().size(), 1U);
  EXPECT_EQ(book.Attempts().front().seed, seed);
  EXPECT_EQ(book.Store(AttemptOf("bob", "A", time)), Stored::kNew)
      << "two people with the same bytes stay two";
  EXPECT_EQ(book.Store(AttemptOf("ann", "B", time)), Stored::kNew);
}

TEST_F(GradebookTest, AMissingTimeMayBeAddedAndIsNotReplaced) {
  Gradebook book(File());
  book.Store(AttemptOf("ann", "A"));
  EXPECT_EQ(book.Store(AttemptOf("ann", "A", At("2027-01-15T12:00:00Z"))),
            Stored::kTimeAdded);
  EXPECT_EQ(book.Store(AttemptOf("ann", "A", At("2027-01-16T12:00:00Z"))),
            Stored::kNew)
      << "handed in again at another time";
  ASSERT_EQ(book.Attempts().size(), 2U);
  EXPECT_EQ(IsoText(*book.Attempts()[0].submitted_at),
            "2027-01-15T12:00:00+00:00");
}

TEST_F(GradebookTest, TheLatestAttemptCounts) {
  Gradebook book(File());
  book.Store(AttemptOf("ann", "late", At("2027-01-16T00:30:00+01:00")));
  book.Store(AttemptOf("ann", "early", At("2027-01-15T23:00:00Z")));
  book.Store(AttemptOf("bob", "timed", At("2027-01-15T23:00:00Z")));
  book.Store(AttemptOf("bob", "imported last"));
  const std::vector<Attempt> attempts = book.Attempts();
  EXPECT_EQ(book.Content(*CountingAttempt(attempts, "ann")), "late");
  EXPECT_EQ(book.Content(*CountingAttempt(attempts, "bob")), "imported last");
  EXPECT_EQ(CountingAttempt(attempts, "eve"), nullptr);
}

TEST_F(GradebookTest, AChangeThatFailsLeavesNothing) {
  Gradebook book(File());
  EXPECT_THROW(book.Atomically([&] {
    book.Store(AttemptOf("ann", "A"));
    throw std::runtime_error("the disk is full");
  }),
               std::runtime_error);
  EXPECT_TRUE(book.Attempts().empty());
}

TEST_F(GradebookTest, TheLastRecordIsInForceAndBlockedPointsAreKnown) {
  Gradebook book(File());
  book.Store(AttemptOf("ann", "A"));
  const std::int64_t attempt = book.Attempts().front().id;
  EXPECT_EQ(book.RecordOf(attempt), std::nullopt);
  GradingRecord record = {.attempt = attempt,
                          .rubric = "{\"parts\":[]}",
                          .marks = "{\"seed\":1}",
                          .points = 41.25,
                          .blocked_points = 5,
                          .course_version = "2027.1",
                          .machine = "a machine",
                          .isolation = "full",
                          .graded_at = "2027-01-17T10:00:00"};
  book.Record(record);
  EXPECT_THAT(book.Graded(), ElementsAre(attempt));
  EXPECT_THAT(book.Blocked(), ElementsAre(attempt));
  record.points = 46.25;
  record.blocked_points = 0;
  book.Record(record);
  EXPECT_THAT(book.Blocked(), ElementsAre());
  const auto kept = book.RecordOf(attempt);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->points, 46.25);
  EXPECT_EQ(kept->rubric, record.rubric);
  EXPECT_EQ(kept->marks, record.marks);
  EXPECT_EQ(kept->course_version, "2027.1");
  EXPECT_EQ(kept->machine, "a machine");
  EXPECT_EQ(kept->isolation, "full");
}

TEST_F(GradebookTest, AProposalReplacesARecordOnlyOnceItIsPublished) {
  Gradebook book(File());
  book.Store(AttemptOf("ann", "A"));
  const std::int64_t attempt = book.Attempts().front().id;
  GradingRecord record = {.attempt = attempt,
                          .rubric = "{}",
                          .marks = "{\"seed\":1}",
                          .points = 1,
                          .blocked_points = 0,
                          .course_version = "2027.1",
                          .machine = "a machine",
                          .isolation = "full",
                          .graded_at = "2027-01-17T10:00:00"};
  book.Record(record);
  record.points = 2;
  record.blocked_points = 3;
  record.reason = "regrade: --check mask";
  book.Propose(record, "one");
  EXPECT_EQ(book.RecordOf(attempt)->points, 1);
  EXPECT_EQ(book.ProposalOf(attempt, "one")->points, 2);
  EXPECT_EQ(book.ProposalOf(attempt, "other"), std::nullopt);
  EXPECT_THAT(book.Decided("one"), ElementsAre()) << "with blocked points";
  record.blocked_points = 0;
  book.Propose(record, "one");
  book.Propose(record, "other");
  EXPECT_THAT(book.Decided("one"), ElementsAre(attempt));
  EXPECT_EQ(book.Proposals("one").size(), 1U) << "the last one of a request";

  book.Publish(book.Proposals("one").at(attempt));
  EXPECT_EQ(book.RecordOf(attempt)->points, 2);
  EXPECT_EQ(book.RecordOf(attempt)->reason, "regrade: --check mask");
  EXPECT_TRUE(book.Proposals("other").empty());
  const std::vector<GradingRecord> history = book.HistoryOf(attempt);
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[0].points, 1);
  EXPECT_EQ(history[0].reason, "");
}

TEST_F(GradebookTest, AProposalEndsWithTheRecordThatItIsBasedOn) {
  Gradebook book(File());
  book.Store(AttemptOf("ann", "A"));
  const std::int64_t attempt = book.Attempts().front().id;
  const GradingRecord record = {.attempt = attempt,
                                .rubric = "{}",
                                .marks = "{}",
                                .points = 1,
                                .blocked_points = 0,
                                .course_version = "",
                                .machine = "",
                                .isolation = "",
                                .graded_at = ""};
  book.Record(record);
  book.Propose(record, "one");
  book.Record(record);
  EXPECT_TRUE(book.Proposals("one").empty());
  EXPECT_EQ(book.ProposalOf(attempt, "one"), std::nullopt);
  EXPECT_THAT(book.Decided("one"), ElementsAre());
}

TEST_F(GradebookTest, AnAttemptIsClaimedOnce) {
  Gradebook one(File());
  Gradebook other(File());
  one.Store(AttemptOf("ann", "A"));
  const std::int64_t attempt = one.Attempts().front().id;
  one.Claim(attempt, "one");
  EXPECT_THROW(other.Claim(attempt, "other"), std::runtime_error);
  EXPECT_THAT(other.Graders(), ElementsAre("one"));
  EXPECT_THROW(other.EndClaim(attempt, "other"), std::runtime_error);
  other.DropClaimsOf("one");
  other.Claim(attempt, "other");
  EXPECT_THROW(one.EndClaim(attempt, "one"), std::runtime_error);
}

TEST_F(GradebookTest, TheLastOverrideOfACheckCounts) {
  Gradebook book(File());
  book.Set({"ann", "a.mask", 2, "misread", "lee", "2027-01-18T10:00:00Z"});
  book.Set({"bob", "a.mask", 1, "as ann", "lee", "2027-01-18T10:01:00Z"});
  book.Set({"ann", "a.mask", 3, "recounted", "kim", "2027-01-18T10:02:00Z"});
  const std::vector<Override> overrides = book.Overrides();
  ASSERT_EQ(overrides.size(), 2U);
  EXPECT_EQ(overrides[0].student, "bob");
  EXPECT_EQ(overrides[1].points, 3);
  EXPECT_EQ(overrides[1].why, "recounted");
  EXPECT_EQ(overrides[1].by, "kim");
}

TEST_F(GradebookTest, AFailureIsKeptUntilItIsForgotten) {
  Gradebook book(File());
  book.Store(AttemptOf("ann", "A"));
  const std::int64_t attempt = book.Attempts().front().id;
  EXPECT_EQ(book.FailureOf(attempt), "");
  book.NoteFailure(attempt, "valgrind is missing");
  book.NoteFailure(attempt, "the disk is full");
  EXPECT_EQ(book.FailureOf(attempt), "the disk is full");
  book.NoteFailure(attempt, "");
  EXPECT_EQ(book.FailureOf(attempt), "");
}

TEST_F(GradebookTest, ItIsInWalModeAndHasASecretOfItsOwn) {
  const Gradebook book(File());
  const Gradebook other(folder_.Path() / "other.sqlite");
  EXPECT_EQ(book.Secret().size(), 64U);
  EXPECT_NE(book.Secret(), other.Secret());
  SQLite::Database raw(File().string(), SQLite::OPEN_READWRITE);
  EXPECT_EQ(raw.execAndGet("PRAGMA journal_mode").getString(), "wal");
}

TEST_F(GradebookTest, TablesOfEarlierVersionsAreBroughtUpToDate) {
  for (int version = 1; version < kSchemaVersion; ++version) {
    const std::filesystem::path file =
        folder_.Path() / ("v" + std::to_string(version));
    std::string secret;
    {
      SQLite::Database old(file.string(),
                           SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
      Migrate(old, "old", version);
      old.exec("INSERT INTO content VALUES (7, 'digest', 'bytes')");
      old.exec(
          "INSERT INTO attempt VALUES (3, 'ann', 7, '[\"ann\"]', NULL, 0, "
          "'plain: ann.zip', '2027-01-15T12:00:00Z', '42')");
      secret = old.execAndGet("SELECT secret FROM class").getString();
    }
    Gradebook book(file);
    ASSERT_EQ(book.Attempts().size(), 1U) << version;
    EXPECT_EQ(book.Attempts()[0].seed, 42U);
    EXPECT_EQ(book.Secret(), secret);
    book.Set({"ann", "a", 1, "why", "lee", ""});
    book.Claim(3, "one");
    EXPECT_TRUE(book.HistoryOf(3).empty());
    EXPECT_TRUE(book.Proposals("one").empty());
  }
}

TEST_F(GradebookTest, OtherDatabasesAreRefused) {
  const auto error_of = [this](const char* sql) -> std::string {
    const std::filesystem::path file = folder_.Path() / "other";
    std::filesystem::remove(file);
    SQLite::Database(file.string(),
                     SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
        .exec(sql);
    try {
      Gradebook book(file);
    } catch (const DataError& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_THAT(error_of("CREATE TABLE music (title TEXT)"),
              HasSubstr("another program"));
  EXPECT_THAT(error_of("CREATE TABLE class (secret TEXT);"
                       "PRAGMA application_id = 1802920812;"
                       "PRAGMA user_version = 99"),
              HasSubstr(fmt::format("up to version {}", kSchemaVersion)));
}

}  // namespace
}  // namespace kvlab::grading
