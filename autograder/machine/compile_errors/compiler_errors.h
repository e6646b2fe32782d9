// The message for a file that does not compile.
#ifndef KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_COMPILER_ERRORS_H_
#define KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_COMPILER_ERRORS_H_

#include <string>
#include <string_view>

namespace kvlab::grading {

// The first errors in the compiler's words. Each line of the student's is shown
// with its source below; an error inside another header is shown with the
// student's line that led to it. Notes about other headers are only counted,
// and long lines are cut. `output`: any bytes.
std::string CompilerErrors(std::string_view output);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_COMPILER_ERRORS_H_
