#ifndef KVLAB_AUTOGRADER_SUBMISSION_ZIP_SOURCE_H_
#define KVLAB_AUTOGRADER_SUBMISSION_ZIP_SOURCE_H_

#include <cstdint>
#include <filesystem>

#include "autograder/submission/collector.h"

namespace kvlab::grading {

// Larger archives are not opened.
inline constexpr std::uintmax_t kMaxArchiveBytes = std::uintmax_t{64} << 20U;

// Offers the entries of a zip archive. Nothing is unpacked to a disk, and no
// more than kMaxSourceBytes + 1 bytes of an entry to memory. Throws DataError
// if `file` is no zip archive.
void CollectZip(const std::filesystem::path& file, Collector& collector);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SUBMISSION_ZIP_SOURCE_H_
