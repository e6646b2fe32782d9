// What a linked program may hold that its objects did not show.
#ifndef KVLAB_AUTOGRADER_MACHINE_BUILDING_LINKED_PROGRAM_H_
#define KVLAB_AUTOGRADER_MACHINE_BUILDING_LINKED_PROGRAM_H_

#include <filesystem>
#include <string>
#include <string_view>

namespace kvlab::grading {

// Whether bytes hold, at any offset, the rotations of rdi that open every
// request of a program to valgrind (valgrind.h, amd64; valgrind's decoder knows
// no other form). They do nothing, so no compiler makes them.
bool SpeaksToValgrind(std::string_view bytes);

// Why a program that was linked from a submission is not run under the
// instruction counter, or at all; empty if nothing speaks against it:
// - it speaks to valgrind: sections of several objects, each harmless alone,
//   may lie side by side once they are linked;
// - a part of it is both writable and executable, or it changes its own code
//   when it is loaded: such code need not be in the file.
// Also if the file cannot be read as an ELF program for amd64.
std::string ProblemOfProgram(const std::filesystem::path& program);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_BUILDING_LINKED_PROGRAM_H_
