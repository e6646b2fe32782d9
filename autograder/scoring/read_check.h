// One check of rubric.toml.
#ifndef KVLAB_AUTOGRADER_SCORING_READ_CHECK_H_
#define KVLAB_AUTOGRADER_SCORING_READ_CHECK_H_

#include "autograder/exam/check.h"
#include "autograder/scoring/rubric.h"
#include "autograder/scoring/visibility.h"
#include "kit/files/toml_table.h"

namespace kvlab::grading {

// `otherwise` if the table does not say.
Visibility ReadVisibility(TomlTable& table, Visibility otherwise);

// Does not check that the names it refers to exist. Throws DataError.
//   visibility: of its task
RubricCheck ReadCheck(TomlTable& table, const Checks& known,
                      Visibility visibility);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SCORING_READ_CHECK_H_
