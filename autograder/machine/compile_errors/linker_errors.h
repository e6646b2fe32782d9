// The message for code that compiles and does not link.
#ifndef KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_LINKER_ERRORS_H_
#define KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_LINKER_ERRORS_H_

#include <string>
#include <string_view>

namespace kvlab::grading {

// Lists each undefined or duplicate name once, in the linker's words, with the
// files that contain it as students know them, and a fix. `output`: any bytes.
//
//   undefined reference to `kvlab::MergeHeads(...)'
//     used in: the grader
std::string LinkerErrors(std::string_view output);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_LINKER_ERRORS_H_
