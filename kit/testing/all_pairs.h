// Combines features without trying all combinations: in this table every choice
// for one feature meets every choice for each other feature at least once. Most
// errors that need more than one feature need only two.
// Source: Cohen et al. 1997, "The AETG System: An Approach to Testing Based on
// Combinatorial Design", IEEE Transactions on Software Engineering 23(7).
#ifndef KVLAB_KIT_TESTING_ALL_PAIRS_H_
#define KVLAB_KIT_TESTING_ALL_PAIRS_H_

#include <cstddef>
#include <span>
#include <vector>

namespace kvlab {

// One row is one case: row[f] in [0, choices[f]) is the choice for feature f.
// For all features f != g and all choices c of f and d of g there is a row with
// row[f] == c and row[g] == d. The same arguments give the same rows; their
// number is little more than the product of the two largest numbers of choices.
// Throws ContractError if a feature has no choice.
std::vector<std::vector<std::size_t>> AllPairs(
    std::span<const std::size_t> choices);

}  // namespace kvlab

#endif  // KVLAB_KIT_TESTING_ALL_PAIRS_H_
