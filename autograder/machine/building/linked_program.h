// Problems of a linked program that its objects do not show.
#ifndef KVLAB_AUTOGRADER_MACHINE_BUILDING_LINKED_PROGRAM_H_
#define KVLAB_AUTOGRADER_MACHINE_BUILDING_LINKED_PROGRAM_H_

#include <filesystem>
#include <string>
#include <string_view>

namespace kvlab::grading {

// Whether `bytes` contain, at any offset, the rotations of one register that
// open every client request to valgrind (valgrind.h, amd64 and arm64;
// valgrind's decoders know no other form). They have no effect, so no compiler
// emits them.
bool SpeaksToValgrind(std::string_view bytes);

// Why a program linked from a submission must not be run; empty if it may be:
// - it contains requests to valgrind: sections of several objects, each
//   harmless alone, may be adjacent once they are linked;
// - a segment is both writable and executable, or its code is changed when it
//   is loaded: such code need not be in the file;
// - the file cannot be read as an ELF program for this architecture.
std::string ProblemOfProgram(const std::filesystem::path& program);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_BUILDING_LINKED_PROGRAM_H_
