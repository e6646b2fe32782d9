// What a student is told when their code compiles and does not link.
#ifndef KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_LINKER_ERRORS_H_
#define KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_LINKER_ERRORS_H_

#include <string>
#include <string_view>

namespace kvlab::grading {

// Each name that is missing or there twice once, in the linker's own words,
// with the files that it stands in as students know them, and what helps.
// `output`: any bytes.
//
//   undefined reference to `kvlab::MergeHeads(...)'
//     used in: the grader
std::string LinkerErrors(std::string_view output);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_LINKER_ERRORS_H_
