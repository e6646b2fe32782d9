#ifndef KVLAB_AUTOGRADER_CLASS_DIGEST_H_
#define KVLAB_AUTOGRADER_CLASS_DIGEST_H_

#include <string>
#include <string_view>

namespace kvlab::grading {

// SHA-256 in hexadecimal: 64 digits.
// Source: FIPS 180-4, computed by OpenSSL.
std::string Sha256(std::string_view bytes);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_DIGEST_H_
