#ifndef KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ARCHIVE_SOURCE_H_
#define KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ARCHIVE_SOURCE_H_

#include <string>
#include <string_view>

#include "autograder/machine/submission/collector.h"

namespace kvlab::grading {

// Offers the entries of a zip or tar archive, the latter also compressed by
// gzip. Nothing is unpacked to disk, and only the data that the collector asks
// for to memory. Throws DataError, naming the archive, if `bytes` are neither.
void CollectArchive(std::string_view bytes, const std::string& name,
                    Collector& collector);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ARCHIVE_SOURCE_H_
