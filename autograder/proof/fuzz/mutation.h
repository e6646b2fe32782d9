// Random damage to inputs, for tests that run without a fuzzer.
#ifndef KVLAB_AUTOGRADER_PROOF_FUZZ_MUTATION_H_
#define KVLAB_AUTOGRADER_PROOF_FUZZ_MUTATION_H_

#include <cstdint>
#include <random>
#include <vector>

namespace kvlab::grading {

// Changes, inserts, repeats or removes some bytes, or writes a number that is
// easily mishandled.
void Mutate(std::mt19937& random, std::vector<std::uint8_t>& bytes);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_FUZZ_MUTATION_H_
