// Picks the fastest of several ways to compute the same, from their timings.
#ifndef KVLAB_KIT_KERNELS_FASTEST_H_
#define KVLAB_KIT_KERNELS_FASTEST_H_

#include <cstddef>
#include <vector>

namespace kvlab {

// The speeds of all candidates in one round, in any unit, measured by turns:
// what slowed the machine slowed all of them.
using RoundOfSpeeds = std::vector<double>;

// A candidate displaces the default only if its median lead is this factor, and
// if it leads in so many of the rounds: less may be chance on a busy machine,
// and then a program would not choose the same each time. Of 31 rounds, one
// that is no faster leads in so many once in 190 times, and one that leads in
// 84 % of them by its speed, in 95 of 100.
inline constexpr double kLeadToDisplace = 1.03;
inline constexpr double kRoundsToLead = 0.72;

// The index of the fastest candidate: that with the highest median, over the
// rounds, of its speed divided by the default's in the same round. The default,
// candidate 0, stays unless it is displaced; of equally fast candidates the
// first is chosen. Rounds in which the default has no
// speed (0, or not a number) are left out; without a round the default stays.
// Throws ContractError if a round has another number of speeds than the first,
// or none. Cost: candidates * rounds * log(rounds).
std::size_t FastestCandidate(const std::vector<RoundOfSpeeds>& rounds);

}  // namespace kvlab

#endif  // KVLAB_KIT_KERNELS_FASTEST_H_
