#ifndef KVLAB_AUTOGRADER_MACHINE_SUBMISSION_TAR_SOURCE_H_
#define KVLAB_AUTOGRADER_MACHINE_SUBMISSION_TAR_SOURCE_H_

#include <string>
#include <string_view>

#include "autograder/machine/submission/collector.h"

namespace kvlab::grading {

// A larger unpacked archive is not read to its end.
inline constexpr std::size_t kMaxUnpackedBytes = std::size_t{256} << 20U;

// Whether it begins as a tar archive does, or one compressed by gzip.
bool IsTar(std::string_view bytes);

// Offers the entries of a tar archive. Throws DataError if it is not a tar
// archive.
void CollectTar(std::string_view bytes, const std::string& name,
                Collector& collector);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SUBMISSION_TAR_SOURCE_H_
