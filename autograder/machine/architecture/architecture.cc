#include "autograder/machine/architecture/architecture.h"

#include <string>

namespace kvlab::grading {

Architecture ThisArchitecture() {
#if defined(__aarch64__)
  return Architecture::kArm;
#else
  return Architecture::kX86;
#endif
}

std::string ArchitectureNotice(Architecture architecture) {
  if (architecture == Architecture::kX86) return "";
  return "this machine is 64-bit ARM; marks were calibrated on x86-64\n"
         "  needs: Debian's g++, valgrind and bubblewrap for arm64, as on "
         "x86-64 (./kvlab setup), and a processor, not an emulator: the "
         "sandbox filters system calls, and valgrind counts instructions\n"
         "  can: judge results, shapes, errors and counted work, with the "
         "tolerances of x86-64\n"
         "  cannot: promise the marks of x86-64 for speed, and for "
         "instructions counted by valgrind: their thresholds were measured "
         "there alone\n"
         "  fix: grade for the record on x86-64; or, before you grade here, "
         "check that ./kvlab calibrate finds every margin and that ./kvlab "
         "grade solutions gives full marks\n";
}

}  // namespace kvlab::grading
