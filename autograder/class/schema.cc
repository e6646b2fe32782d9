#include "autograder/class/schema.h"

#include <array>
#include <cstddef>
#include <string>

#include "SQLiteCpp/Database.h"
#include "SQLiteCpp/Transaction.h"
#include "fmt/format.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

// "kvcl", as the file(1) command shows it.
constexpr int kApplicationId = 0x6b76636c;

// From each version to the next. One that was released never changes.
constexpr std::array<const char*, kSchemaVersion> kSteps = {
    // 1: what was handed in.
    R"sql(
CREATE TABLE class (
  secret TEXT NOT NULL
);
INSERT INTO class VALUES (lower(hex(randomblob(32))));

CREATE TABLE content (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,
  bytes BLOB NOT NULL
);

CREATE TABLE attempt (
  id INTEGER PRIMARY KEY,
  student TEXT NOT NULL,
  content INTEGER NOT NULL REFERENCES content,
  members TEXT NOT NULL,
  submitted_at TEXT,
  marked_late INTEGER NOT NULL,
  origin TEXT NOT NULL,
  imported_at TEXT NOT NULL,
  seed TEXT NOT NULL
);
CREATE INDEX attempt_of_student ON attempt (student);
)sql",
    // 2: what marks rest on, and who grades.
    R"sql(
CREATE TABLE rubric (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,
  json TEXT NOT NULL
);

CREATE TABLE grading (
  id INTEGER PRIMARY KEY,
  attempt INTEGER NOT NULL REFERENCES attempt,
  rubric INTEGER NOT NULL REFERENCES rubric,
  marks TEXT NOT NULL,
  points REAL NOT NULL,
  blocked_points REAL NOT NULL,
  course_version TEXT NOT NULL,
  machine TEXT NOT NULL,
  isolation TEXT NOT NULL,
  graded_at TEXT NOT NULL
);
CREATE INDEX grading_of_attempt ON grading (attempt);

CREATE TABLE claim (
  attempt INTEGER PRIMARY KEY REFERENCES attempt,
  grader TEXT NOT NULL
);

CREATE TABLE failure (
  attempt INTEGER PRIMARY KEY REFERENCES attempt,
  what TEXT NOT NULL
);
)sql",
    // 3: marks by hand.
    R"sql(
CREATE TABLE override (
  id INTEGER PRIMARY KEY,
  student TEXT NOT NULL,
  check_name TEXT NOT NULL,
  points REAL NOT NULL,
  why TEXT NOT NULL,
  made_by TEXT NOT NULL,
  made_at TEXT NOT NULL
);
)sql",
    // 4: marks that are not published yet, and appeals.
    R"sql(
ALTER TABLE grading ADD COLUMN reason TEXT NOT NULL DEFAULT '';

CREATE TABLE proposal (
  id INTEGER PRIMARY KEY,
  based_on INTEGER NOT NULL REFERENCES grading,
  request TEXT NOT NULL,
  attempt INTEGER NOT NULL REFERENCES attempt,
  rubric INTEGER NOT NULL REFERENCES rubric,
  marks TEXT NOT NULL,
  points REAL NOT NULL,
  blocked_points REAL NOT NULL,
  course_version TEXT NOT NULL,
  machine TEXT NOT NULL,
  isolation TEXT NOT NULL,
  graded_at TEXT NOT NULL,
  reason TEXT NOT NULL,
  UNIQUE (based_on, request)
);

CREATE TABLE appeal (
  id INTEGER PRIMARY KEY,
  grading INTEGER NOT NULL REFERENCES grading,
  stands INTEGER NOT NULL,
  runs TEXT NOT NULL,
  made_at TEXT NOT NULL
);
)sql"};

int Number(SQLite::Database& database, const std::string& query) {
  return database.execAndGet(query).getInt();
}

}  // namespace

void Migrate(SQLite::Database& database, const std::string& source,
             int version) {
  // Read and changed in one transaction, since two processes may begin at once.
  SQLite::Transaction transaction(database,
                                  SQLite::TransactionBehavior::IMMEDIATE);
  const int found = Number(database, "PRAGMA user_version");
  const int application = Number(database, "PRAGMA application_id");
  const bool is_new =
      Number(database, "SELECT count(*) FROM sqlite_master") == 0;
  if (!is_new && application != kApplicationId) {
    throw DataError(source + ": the database of another program",
                    "it has tables, and they are not a class's",
                    "name the folder of a class");
  }
  if (found > kSchemaVersion) {
    throw DataError(
        fmt::format("{}: version {} of the tables", source, found),
        fmt::format("this kvlab knows them up to version {}", kSchemaVersion),
        "use the kvlab that wrote it, or a later one");
  }
  for (int step = found; step < version; ++step) {
    database.exec(kSteps.at(static_cast<std::size_t>(step)));
  }
  if (found < version) {
    database.exec(fmt::format("PRAGMA application_id = {}", kApplicationId));
    database.exec(fmt::format("PRAGMA user_version = {}", version));
  }
  transaction.commit();
}

}  // namespace kvlab::grading
