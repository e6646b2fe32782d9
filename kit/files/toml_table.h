// TOML read key by key; a key that is never read is an error. Every error names
// the file and the line.
#ifndef KVLAB_KIT_FILES_TOML_TABLE_H_
#define KVLAB_KIT_FILES_TOML_TABLE_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "toml++/toml.h"

namespace kvlab {

// A table of a document, which it keeps alive. Functions throw DataError.
class TomlTable {
 public:
  bool Has(std::string_view key) const { return table_->contains(key); }
  std::string Text(std::string_view key);
  // With at least one character.
  std::string NonEmptyText(std::string_view key);
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
  toml::date_time Time(std::string_view key);
  // Empty if the key is missing.
  std::vector<std::string> TextsIfAny(std::string_view key);
  // Every key of the table below `key`, with its number; empty if it is
  // missing.
  std::vector<std::pair<std::string, double>> NumbersIfAny(
      std::string_view key);
  // Every key of this table, with its number.
  std::vector<std::pair<std::string, double>> Numbers();
  TomlTable Table(std::string_view key);
  // [[key]], or [{ ... }]: a list, at least one.
  std::vector<TomlTable> Tables(std::string_view key);
  // The same; empty if the key is missing.
  std::vector<TomlTable> TablesIfAny(std::string_view key);

  // Call after reading all keys: throws for any key that was not read.
  void ExpectNoMore() const;

  [[noreturn]] void Fail(const std::string& what,
                         const std::string& fix) const {
    FailAt(*table_, what, fix);
  }
  // With the line of this key, if it exists.
  [[noreturn]] void FailAtKey(std::string_view key, const std::string& what,
                              const std::string& fix) const;

 private:
  struct Document {
    toml::table root;
    std::string file;
    std::string purpose;
  };

  friend TomlTable ParseToml(std::string_view text, const std::string& file,
                             const std::string& purpose);

  TomlTable(std::shared_ptr<const Document> document, const toml::table& table)
      : document_(std::move(document)), table_(&table) {}

  std::vector<std::pair<std::string, double>> NumbersOf(
      const toml::table& table) const;
  [[noreturn]] void FailAt(const toml::node& node, const std::string& what,
                           const std::string& fix) const;
  const toml::node* Find(std::string_view key);
  const toml::node& Get(std::string_view key);

  std::shared_ptr<const Document> document_;
  const toml::table* table_;
  std::set<std::string, std::less<>> seen_;
};

// The top of a document. Throws DataError for text that is not TOML.
//   file     what errors call it
//   purpose  why it matters: "the marks are computed from it"
TomlTable ParseToml(std::string_view text, const std::string& file,
                    const std::string& purpose);

// The same for a file. Throws DataError also if it cannot be read.
TomlTable ReadToml(const std::filesystem::path& file,
                   const std::string& purpose);

}  // namespace kvlab

#endif  // KVLAB_KIT_FILES_TOML_TABLE_H_
