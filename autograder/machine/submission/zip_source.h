#ifndef KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ZIP_SOURCE_H_
#define KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ZIP_SOURCE_H_

#include <string>
#include <string_view>

#include "autograder/machine/submission/collector.h"

namespace kvlab::grading {

// Offers the entries of a zip archive. Throws DataError if it is not a zip
// archive.
void CollectZip(std::string_view bytes, const std::string& name,
                Collector& collector);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ZIP_SOURCE_H_
