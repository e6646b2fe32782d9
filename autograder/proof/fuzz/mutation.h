// Damage, drawn at random, for where there is no fuzzer to do it.
#ifndef KVLAB_AUTOGRADER_PROOF_FUZZ_MUTATION_H_
#define KVLAB_AUTOGRADER_PROOF_FUZZ_MUTATION_H_

#include <cstdint>
#include <random>
#include <vector>

namespace kvlab::grading {

// Changes, inserts, repeats or removes some bytes, or puts a number there that
// is easily mishandled.
void Mutate(std::mt19937& random, std::vector<std::uint8_t>& bytes);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_FUZZ_MUTATION_H_
