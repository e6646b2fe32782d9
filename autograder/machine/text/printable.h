// Makes the output of a tool or a submission safe to show.
#ifndef KVLAB_AUTOGRADER_MACHINE_TEXT_PRINTABLE_H_
#define KVLAB_AUTOGRADER_MACHINE_TEXT_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace kvlab::grading {

// Valid UTF-8 without control characters, and without those that reverse the
// direction of text: bytes that are neither a character nor a line end become
// U+FFFD, a tab a space, and a carriage return nothing. A legal text of XML
// 1.0.
std::string Printable(std::string_view text);

// The same in one line, for terminals and logs: a line end becomes U+FFFD too.
std::string PrintableLine(std::string_view text);

// At most `characters` whole characters of a printable line, and then how many
// were cut.
std::string Shortened(std::string_view line, std::size_t characters);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_TEXT_PRINTABLE_H_
