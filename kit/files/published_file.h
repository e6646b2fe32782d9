// Opens a published file, and recognises common stand-ins left by a clone or a
// download.
#ifndef KVLAB_KIT_FILES_PUBLISHED_FILE_H_
#define KVLAB_KIT_FILES_PUBLISHED_FILE_H_

#include <filesystem>
#include <memory>

#include "kit/files/mapped_file.h"

namespace kvlab {

// MappedFile::Open. Throws DataError also if the file is plainly something
// else, and says how to get the right one: a Git LFS pointer, a web page, or
// weights in the format of another program.
std::shared_ptr<const MappedFile> OpenPublished(
    const std::filesystem::path& path);

}  // namespace kvlab

#endif  // KVLAB_KIT_FILES_PUBLISHED_FILE_H_
