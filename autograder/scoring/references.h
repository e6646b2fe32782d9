// Checks that references between the checks of a part exist and point upwards.
#ifndef KVLAB_AUTOGRADER_SCORING_REFERENCES_H_
#define KVLAB_AUTOGRADER_SCORING_REFERENCES_H_

#include <vector>

#include "autograder/scoring/rubric.h"
#include "kit/files/toml_table.h"

namespace kvlab::grading {

// Throws DataError for `needs` or `follows` that name neither a check nor a
// task of this part, the check itself or its own task, a check that needs it in
// turn, or one below it.
//   tables: where each check of the part was read from, in order
void ExpectReferencesAbove(const RubricPart& part,
                           const std::vector<TomlTable>& tables);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SCORING_REFERENCES_H_
