// A TOML table read key by key; a key that is never read is an error.
#ifndef KVLAB_AUTOGRADER_SCORING_TOML_TABLE_H_
#define KVLAB_AUTOGRADER_SCORING_TOML_TABLE_H_

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/scoring/iso_time.h"
#include "toml++/toml.h"

namespace kvlab::grading {

// Every function throws RubricError, naming file and line.
class TomlTable {
 public:
  TomlTable(const toml::table& table, const std::string& file)
      : table_(table), file_(file) {}

  bool Has(std::string_view key) const { return table_.contains(key); }
  std::string Text(std::string_view key);
  std::string TextOr(std::string_view key, const std::string& otherwise);
  double Number(std::string_view key);
  // 0 or more; `otherwise` if the key is missing.
  double AmountOr(std::string_view key, double otherwise);
  // 0 to 100; `otherwise` if the key is missing.
  double PercentOr(std::string_view key, double otherwise);
  // More than 0, and no more than a million.
  double PositiveNumber(std::string_view key);
  // A whole number from 0 to a million; `otherwise` if the key is missing.
  int CountOr(std::string_view key, int otherwise);
  // false if the key is missing.
  bool FlagIfAny(std::string_view key);
  // A date with time and zone.
  ClockTime Time(std::string_view key);
  // Empty if the key is missing.
  std::vector<std::string> TextsIfAny(std::string_view key);
  // Every key of the table below `key`, with its number; empty if it is
  // missing.
  std::vector<std::pair<std::string, double>> NumbersIfAny(
      std::string_view key);
  TomlTable Table(std::string_view key);
  std::vector<TomlTable> Tables(std::string_view key);

  // Call after reading all keys: throws for any key that was not read.
  void ExpectNoMore() const;

  [[noreturn]] void Fail(const std::string& what,
                         const std::string& fix) const {
    FailAt(table_, what, fix);
  }
  // With the line of this key, if it exists.
  [[noreturn]] void FailAtKey(std::string_view key, const std::string& what,
                              const std::string& fix) const;

 private:
  [[noreturn]] void FailAt(const toml::node& node, const std::string& what,
                           const std::string& fix) const;
  const toml::node* Find(std::string_view key);
  const toml::node& Get(std::string_view key);

  const toml::table& table_;
  const std::string& file_;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SCORING_TOML_TABLE_H_
