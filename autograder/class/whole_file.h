// Files that appear whole, and stay after a loss of power.
#ifndef KVLAB_AUTOGRADER_CLASS_WHOLE_FILE_H_
#define KVLAB_AUTOGRADER_CLASS_WHOLE_FILE_H_

#include <filesystem>
#include <string>

namespace kvlab::grading {

// Writes `file` by way of FILE.part, which replaces it once all of it is on the
// disk: at any moment, also after a loss of power, there is the earlier file or
// the new one. When it returns, the new one stays. Throws DataError if it
// cannot be written; an earlier one stays then, and no FILE.part. Cost: two
// waits for the disk.
void WriteWholeFile(const std::filesystem::path& file,
                    const std::string& content);

// Makes `folder` and those above it that are missing, so that they stay after a
// loss of power. Throws DataError if one cannot be made.
void MakeLastingFolder(const std::filesystem::path& folder);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_WHOLE_FILE_H_
