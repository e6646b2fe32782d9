// Base64: RFC 4648, section 4.
#ifndef KVLAB_AUTOGRADER_REPORT_BASE64_H_
#define KVLAB_AUTOGRADER_REPORT_BASE64_H_

#include <string>
#include <string_view>

namespace kvlab::grading {

std::string Base64(std::string_view bytes);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_BASE64_H_
