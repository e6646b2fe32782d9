// The tables of a class's database, version by version.
#ifndef KVLAB_AUTOGRADER_CLASS_SCHEMA_H_
#define KVLAB_AUTOGRADER_CLASS_SCHEMA_H_

#include <string>

#include "SQLiteCpp/Database.h"

namespace kvlab::grading {

// PRAGMA user_version of a database that this program writes.
inline constexpr int kSchemaVersion = 4;

// Brings the tables to `version`, each step in a transaction. Throws DataError,
// starting with `source`, if the database is not a class's or of a later
// version.
void Migrate(SQLite::Database& database, const std::string& source,
             int version = kSchemaVersion);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_SCHEMA_H_
