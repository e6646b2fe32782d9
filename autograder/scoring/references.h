// What the checks of a part refer to: whether it is there, and above them.
#ifndef KVLAB_AUTOGRADER_SCORING_REFERENCES_H_
#define KVLAB_AUTOGRADER_SCORING_REFERENCES_H_

#include <vector>

#include "autograder/scoring/rubric.h"
#include "autograder/scoring/toml_table.h"

namespace kvlab::grading {

// Throws RubricError for `needs` or `follows` that name neither a check nor a
// task of this part, the check itself or its own task, one that needs it in
// turn, or one that stands below it.
//   tables: where each check of the part was read from, in order
void ExpectReferencesAbove(const RubricPart& part,
                           const std::vector<TomlTable>& tables);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SCORING_REFERENCES_H_
