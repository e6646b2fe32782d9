// Text of a submission, fit for XML, HTML and JSON.
#ifndef KVLAB_AUTOGRADER_REPORT_LEGIBLE_H_
#define KVLAB_AUTOGRADER_REPORT_LEGIBLE_H_

#include <string>
#include <string_view>

namespace kvlab::grading {

// `text` as UTF-8 without what a submission could slip into a report: bytes
// that are no UTF-8, control characters (line ends and tabs stay) and
// characters that reverse the direction of what follows become U+FFFD. The
// result is a legal XML 1.0 text.
std::string Legible(std::string_view text);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_LEGIBLE_H_
