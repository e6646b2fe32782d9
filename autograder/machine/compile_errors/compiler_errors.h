// What a student is told about a file that does not compile.
#ifndef KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_COMPILER_ERRORS_H_
#define KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_COMPILER_ERRORS_H_

#include <string>
#include <string_view>

namespace kvlab::grading {

// The first errors in the compiler's own words, with what concerns the
// student's files: their lines with the source below, and for an error inside
// somebody else's header the line of theirs that led there. Notes about other
// people's headers are counted, long lines cut. `output`: any bytes.
std::string CompilerErrors(std::string_view output);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_COMPILER_ERRORS_H_
