// [late_policy] of a rubric or of a class.
#ifndef KVLAB_AUTOGRADER_SCORING_READ_LATE_POLICY_H_
#define KVLAB_AUTOGRADER_SCORING_READ_LATE_POLICY_H_

#include "autograder/scoring/late_policy.h"
#include "kit/files/toml_table.h"

namespace kvlab::grading {

// Throws DataError, naming file and line, for an unknown key, a number out of
// range, a date without a zone, or a zone whose clock `due` does not show.
LatePolicy ReadLatePolicy(TomlTable table);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SCORING_READ_LATE_POLICY_H_
