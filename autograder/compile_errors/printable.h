// What a tool wrote, made safe to show to people.
#ifndef KVLAB_AUTOGRADER_COMPILE_ERRORS_PRINTABLE_H_
#define KVLAB_AUTOGRADER_COMPILE_ERRORS_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace kvlab::grading {

// Valid UTF-8 without control characters: what is neither a character nor a
// line end becomes U+FFFD, a tab a space, and a carriage return nothing.
std::string Printable(std::string_view text);

// At most `characters` characters, whole ones, of a printable line; then how
// many more there were.
std::string Shortened(std::string_view line, std::size_t characters);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_COMPILE_ERRORS_PRINTABLE_H_
