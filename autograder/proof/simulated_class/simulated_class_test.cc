// Classes whose ability is known: people have planted bugs, the weaker ones
// more of them, and lose the checks that these bugs lose. In each class three
// checks are replaced by bad ones, which the statistics have to flag, and they
// must not flag the others.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "autograder/class/page/item_statistics.h"
#include "fmt/format.h"
#include "gtest/gtest.h"
#include "toml++/toml.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kClasses = 100;
constexpr std::size_t kPeople = 300;
constexpr std::uint64_t kSeed = 20270115;

// The checks that each planted bug of the course loses.
std::vector<std::vector<std::string>> PlantedBugs() {
  std::vector<std::vector<std::string>> bugs;
  std::set<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(
           "autograder/judges",
           fs::directory_options::follow_directory_symlink)) {
    if (entry.path().extension() == ".toml") files.insert(entry.path());
  }
  for (const fs::path& file : files) {
    const auto table = toml::parse_file(file.string());
    std::vector<std::string> loses;
    if (const toml::array* checks = table["loses"].as_array()) {
      for (const auto& check : *checks) {
        loses.push_back(check.value<std::string>().value());
      }
    }
    if (!loses.empty()) bugs.push_back(loses);
  }
  return bugs;
}

struct Bug {
  double offset = 0;  // of a person of mean ability, in logits
  double slope = 0;   // by how many logits a standard deviation lowers it
  std::vector<std::size_t> loses;
};

// What a check became.
enum class Kind { kSound, kAlwaysPasses, kReversed, kCoin };
constexpr std::array<Kind, 3> kBad = {Kind::kAlwaysPasses, Kind::kReversed,
                                      Kind::kCoin};

class Course {
 public:
  explicit Course(std::mt19937_64& random) {
    std::map<std::string, std::size_t> places;
    for (const std::vector<std::string>& names : PlantedBugs()) {
      Bug& bug = bugs_.emplace_back();
      // A bug is in 3 to 15 % of the submissions of mean ability. Slopes are
      // those of good items in two-parameter models.
      const double rate = std::exp(std::uniform_real_distribution<>(
          std::log(0.03), std::log(0.15))(random));
      bug.offset = std::log(rate / (1 - rate));
      bug.slope = std::uniform_real_distribution<>(1, 2.2)(random);
      for (const std::string& name : names) {
        const auto [place, is_new] = places.emplace(name, places.size());
        bug.loses.push_back(place->second);
      }
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      points_.push_back(std::uniform_real_distribution<>(0.3, 2)(random));
    }
  }

  std::size_t Bugs() const { return bugs_.size(); }
  std::size_t Checks() const { return points_.size(); }

  // A class without bad checks.
  std::vector<ItemScores> NewClass(std::mt19937_64& random) const {
    std::vector<ItemScores> items;
    for (const double points : points_) {
      items.push_back(
          {.points = points,
           .shares = std::vector<std::optional<double>>(kPeople, 1.0)});
    }
    for (std::size_t person = 0; person < kPeople; ++person) {
      const double ability = std::normal_distribution<>()(random);
      for (const Bug& bug : bugs_) {
        const double rate =
            1 / (1 + std::exp(bug.slope * ability - bug.offset));
        if (!std::bernoulli_distribution(rate)(random)) continue;
        for (const std::size_t check : bug.loses) {
          items[check].shares[person] = 0.0;
        }
      }
    }
    return items;
  }

 private:
  std::vector<Bug> bugs_;
  std::vector<double> points_;  // of each check
};

void Spoil(ItemScores& item, Kind kind, std::mt19937_64& random) {
  for (std::optional<double>& share : item.shares) {
    if (kind == Kind::kAlwaysPasses) share = 1.0;
    if (kind == Kind::kReversed) share = 1 - *share;
    if (kind == Kind::kCoin) {
      share = std::bernoulli_distribution(0.5)(random) ? 1.0 : 0.0;
    }
  }
}

struct Count {
  std::size_t flagged = 0;
  std::size_t all = 0;

  double Share() const {
    return static_cast<double>(flagged) / static_cast<double>(all);
  }
};

std::map<Kind, Count> FlaggedInAllClasses() {
  std::mt19937_64 random(kSeed);
  const Course course(random);
  std::cout << fmt::format(
      "{} classes of {} people, {} planted bugs, {} checks, seed {}\n",
      kClasses, kPeople, course.Bugs(), course.Checks(), kSeed);
  std::map<Kind, Count> counts;
  for (std::size_t i = 0; i < kClasses; ++i) {
    std::vector<ItemScores> items = course.NewClass(random);
    std::vector<Kind> kinds(items.size(), Kind::kSound);
    std::copy(kBad.begin(), kBad.end(), kinds.begin());
    std::ranges::shuffle(kinds, random);
    for (std::size_t check = 0; check < items.size(); ++check) {
      Spoil(items[check], kinds[check], random);
    }
    const std::vector<ItemStatistics> found = AnalyzeItems(items);
    for (std::size_t check = 0; check < items.size(); ++check) {
      Count& count = counts[kinds[check]];
      count.flagged += found[check].flag ? 1 : 0;
      ++count.all;
    }
  }
  return counts;
}

TEST(SimulatedClassTest, BadChecksAreFlaggedAndSoundOnesAreNot) {
  auto counts = FlaggedInAllClasses();
  const std::map<Kind, std::string> names = {
      {Kind::kSound, "sound"},
      {Kind::kAlwaysPasses, "always passes"},
      {Kind::kReversed, "reversed"},
      {Kind::kCoin, "coin"}};
  for (const auto& [kind, count] : counts) {
    std::cout << fmt::format("{}: {} of {} flagged, {:.2f} %\n", names.at(kind),
                             count.flagged, count.all, 100 * count.Share());
  }
  for (const Kind kind : kBad) {
    EXPECT_GE(counts[kind].Share(), 0.99) << names.at(kind);
  }
  EXPECT_LE(counts[Kind::kSound].Share(), 0.02);
}

}  // namespace
}  // namespace kvlab::grading
