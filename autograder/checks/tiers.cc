#include "autograder/checks/tiers.h"

#include <string>

#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr double kHalf = 0.5;

std::string ShareText(double share) {
  if (share == 1) return "full points";
  if (share == kHalf) return "half";
  return fmt::format("{:g} %", 100 * share);
}

}  // namespace

double ShareFor(const Tiers& tiers, double measured) {
  for (const Tier& tier : tiers) {
    if (measured >= tier.at_least) return tier.share;
  }
  return 0;
}

std::string TiersText(const Tiers& tiers) {
  std::string text;
  for (const Tier& tier : tiers) {
    text += fmt::format("{}{} from {:g}", text.empty() ? "" : ", ",
                        ShareText(tier.share), tier.at_least);
  }
  return text;
}

}  // namespace kvlab::grading
