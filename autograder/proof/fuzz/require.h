// Properties that must hold for every input.
#ifndef KVLAB_AUTOGRADER_PROOF_FUZZ_REQUIRE_H_
#define KVLAB_AUTOGRADER_PROOF_FUZZ_REQUIRE_H_

#include <cstdio>
#include <cstdlib>

namespace kvlab::grading {

// Ends the process unless `holds`, which a fuzzer reports as a fault.
inline void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "this does not hold: %s\n", what);
  std::abort();
}

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_FUZZ_REQUIRE_H_
