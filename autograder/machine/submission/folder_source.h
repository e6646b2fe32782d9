#ifndef KVLAB_AUTOGRADER_MACHINE_SUBMISSION_FOLDER_SOURCE_H_
#define KVLAB_AUTOGRADER_MACHINE_SUBMISSION_FOLDER_SOURCE_H_

#include <filesystem>

#include "autograder/machine/submission/collector.h"

namespace kvlab::grading {

// Offers the entries below `folder`. Follows no links and does not block on
// pipes.
void CollectFolder(const std::filesystem::path& folder, Collector& collector);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SUBMISSION_FOLDER_SOURCE_H_
