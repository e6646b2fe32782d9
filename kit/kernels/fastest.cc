#include "kit/kernels/fastest.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/math/median.h"

namespace kvlab {
namespace {

void CheckRounds(const std::vector<RoundOfSpeeds>& rounds) {
  for (const RoundOfSpeeds& round : rounds) {
    if (!round.empty() && round.size() == rounds.front().size()) continue;
    throw ContractError("FastestCandidate: a round has not all candidates",
                        std::to_string(round.size()) + " speeds, and " +
                            std::to_string(rounds.front().size()) +
                            " in the first round",
                        "time every candidate once in each round");
  }
}

// A candidate's speed beside the default's, in each round.
std::vector<double> Leads(const std::vector<RoundOfSpeeds>& rounds,
                          std::size_t candidate) {
  std::vector<double> leads;
  for (const RoundOfSpeeds& round : rounds) {
    const double lead = round[candidate] / round[0];
    if (round[0] > 0 && std::isfinite(lead)) leads.push_back(lead);
  }
  return leads;
}

bool LeadsInMostRounds(const std::vector<double>& leads) {
  const auto ahead =
      std::ranges::count_if(leads, [](double lead) { return lead > 1.0; });
  return static_cast<double>(ahead) >=
         kRoundsToLead * static_cast<double>(leads.size());
}

}  // namespace

std::size_t FastestCandidate(const std::vector<RoundOfSpeeds>& rounds) {
  CheckRounds(rounds);
  if (rounds.empty()) return 0;
  std::size_t fastest = 0;
  double highest = 1.0;
  for (std::size_t i = 1; i < rounds.front().size(); ++i) {
    const std::vector<double> leads = Leads(rounds, i);
    if (leads.empty() || !LeadsInMostRounds(leads)) continue;
    const double lead = Median(leads);
    if (lead >= kLeadToDisplace && lead > highest) {
      fastest = i;
      highest = lead;
    }
  }
  return fastest;
}

}  // namespace kvlab
