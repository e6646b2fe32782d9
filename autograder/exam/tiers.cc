#include "autograder/exam/tiers.h"

#include <string>

#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr double kHalf = 0.5;

std::string Text(const Tiers& tiers, double times, const char* unit) {
  std::string text;
  for (const Tier& tier : tiers) {
    text += fmt::format("{}{} from {:.4g}{}", text.empty() ? "" : ", ",
                        ShareText(tier.share), times * tier.at_least, unit);
  }
  return text;
}

}  // namespace

double ShareFor(const Tiers& tiers, double measured) {
  for (const Tier& tier : tiers) {
    if (measured >= tier.at_least) return tier.share;
  }
  return 0;
}

Tiers TiersOfReference(const Tiers& tiers, double of_reference) {
  Tiers relative;
  if (tiers.empty() || !(of_reference > 0)) return relative;
  const double full = tiers.front().at_least;
  for (const Tier& tier : tiers) {
    relative.push_back(
        {.at_least = of_reference * tier.at_least / full, .share = tier.share});
  }
  return relative;
}

std::string ShareText(double share) {
  if (share == 1) return "full points";
  if (share == kHalf) return "half";
  if (share == 0) return "none";
  return fmt::format("{:g} %", 100 * share);
}

std::string TiersText(const Tiers& tiers) { return Text(tiers, 1, ""); }

std::string TiersTextInPercent(const Tiers& tiers) {
  constexpr double kPercent = 100;
  return Text(tiers, kPercent, " %");
}

}  // namespace kvlab::grading
