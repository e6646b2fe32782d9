#ifndef KVLAB_AUTOGRADER_MACHINE_DIGEST_DIGEST_H_
#define KVLAB_AUTOGRADER_MACHINE_DIGEST_DIGEST_H_

#include <filesystem>
#include <string>
#include <string_view>

namespace kvlab::grading {

// SHA-256 in hexadecimal: 64 digits.
// Source: FIPS 180-4, computed by OpenSSL.
std::string Sha256(std::string_view bytes);

// The same of a file's content; for a folder, of the names and the contents of
// all files below it, in the order of their names. Follows symbolic links.
// Throws DataError if a file cannot be read.
std::string Sha256OfFiles(const std::filesystem::path& path);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_DIGEST_DIGEST_H_
