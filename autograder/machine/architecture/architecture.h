// What the grader says at its start about the kind of processor it was built
// for.
#ifndef KVLAB_AUTOGRADER_MACHINE_ARCHITECTURE_ARCHITECTURE_H_
#define KVLAB_AUTOGRADER_MACHINE_ARCHITECTURE_ARCHITECTURE_H_

#include <string>

namespace kvlab::grading {

enum class Architecture { kX86, kArm };

// That of this program.
Architecture ThisArchitecture();

// On 64-bit ARM, lines that say what grading needs there and what it cannot do;
// "" on x86-64, where the course's marks were calibrated.
std::string ArchitectureNotice(Architecture architecture);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_ARCHITECTURE_ARCHITECTURE_H_
