#include "kit/files/toml_table.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "kit/error.h"

namespace kvlab {

namespace {

constexpr double kLargest = 1e6;

}  // namespace

void TomlTable::FailAt(const toml::node& node, const std::string& what,
                       const std::string& fix) const {
  throw DataError(
      fmt::format("{}:{}: {}", document_->file, node.source().begin.line, what),
      document_->purpose, fix);
}

void TomlTable::FailAtKey(std::string_view key, const std::string& what,
                          const std::string& fix) const {
  const toml::node* node = table_->get(key);
  FailAt(node == nullptr ? *table_ : *node, what, fix);
}

const toml::node* TomlTable::Find(std::string_view key) {
  seen_.emplace(key);
  return table_->get(key);
}

const toml::node& TomlTable::Get(std::string_view key) {
  const toml::node* node = Find(key);
  if (node == nullptr) {
    Fail(fmt::format("'{}' is missing", key),
         fmt::format("add a line that begins with '{} ='", key));
  }
  return *node;
}

std::string TomlTable::Text(std::string_view key) {
  const toml::node& node = Get(key);
  if (!node.is_string()) {
    FailAt(node, fmt::format("'{}' must be a string", key), "put it in quotes");
  }
  return node.ref<std::string>();
}

std::string TomlTable::NonEmptyText(std::string_view key) {
  std::string text = Text(key);
  if (text.empty()) {
    FailAtKey(key, fmt::format("'{}' must not be empty", key),
              "write something between the quotes");
  }
  return text;
}

std::string TomlTable::TextOr(std::string_view key,
                              const std::string& otherwise) {
  return Find(key) == nullptr ? otherwise : Text(key);
}

double TomlTable::Number(std::string_view key) {
  const toml::node& node = Get(key);
  if (!node.is_number() || !std::isfinite(*node.value<double>())) {
    FailAt(node, fmt::format("'{}' must be a number", key), "give a number");
  }
  return *node.value<double>();
}

double TomlTable::AmountOr(std::string_view key, double otherwise) {
  if (Find(key) == nullptr) return otherwise;
  const double number = Number(key);
  if (number < 0) {
    FailAtKey(key, fmt::format("'{}' is negative", key), "give 0 or more");
  }
  return number;
}

double TomlTable::PercentOr(std::string_view key, double otherwise) {
  if (Find(key) == nullptr) return otherwise;
  const double number = Number(key);
  if (number < 0 || number > 100) {
    FailAtKey(key, fmt::format("'{}' must be a percentage", key),
              "give a number from 0 to 100");
  }
  return number;
}

double TomlTable::PositiveNumber(std::string_view key) {
  const double number = Number(key);
  if (number <= 0 || number > kLargest) {
    FailAtKey(key, fmt::format("'{}' is out of range", key),
              "give more than 0, and no more than a million");
  }
  return number;
}

int TomlTable::CountOr(std::string_view key, int otherwise) {
  if (Find(key) == nullptr) return otherwise;
  const double number = Number(key);
  if (number < 0 || number > kLargest || number != std::floor(number)) {
    FailAtKey(key, fmt::format("'{}' must be a whole number, 0 or more", key),
              "give a whole number from 0 to a million");
  }
  return static_cast<int>(number);
}

bool TomlTable::FlagIfAny(std::string_view key) {
  const toml::node* node = Find(key);
  if (node == nullptr) return false;
  if (!node->is_boolean()) {
    FailAt(*node, fmt::format("'{}' must be true or false", key),
           "write one of the two, without quotes");
  }
  return node->ref<bool>();
}

toml::date_time TomlTable::Time(std::string_view key) {
  const toml::node& node = Get(key);
  const auto* value = node.as_date_time();
  if (value == nullptr || value->get().is_local()) {
    FailAt(node, fmt::format("'{}' must be a date with time and zone", key),
           "write it like this: 2027-01-15T23:59:00+01:00");
  }
  return value->get();
}

std::vector<std::string> TomlTable::TextsIfAny(std::string_view key) {
  std::vector<std::string> texts;
  const toml::node* node = Find(key);
  if (node == nullptr) return texts;
  if (!node->is_array()) {
    FailAt(*node, fmt::format("'{}' must be a list", key), "use [ and ]");
  }
  for (const toml::node& element : *node->as_array()) {
    if (!element.is_string()) {
      FailAt(element, fmt::format("'{}' must contain only strings", key),
             "put each in quotes");
    }
    texts.push_back(element.ref<std::string>());
  }
  return texts;
}

std::vector<std::pair<std::string, double>> TomlTable::NumbersIfAny(
    std::string_view key) {
  const toml::node* node = Find(key);
  if (node == nullptr) return {};
  if (!node->is_table()) {
    FailAt(*node, fmt::format("'{}' must be a table", key),
           fmt::format("write '{} = {{ name = number }}'", key));
  }
  return NumbersOf(*node->as_table());
}

std::vector<std::pair<std::string, double>> TomlTable::Numbers() {
  for (const auto& [name, value] : *table_) seen_.emplace(name.str());
  return NumbersOf(*table_);
}

std::vector<std::pair<std::string, double>> TomlTable::NumbersOf(
    const toml::table& table) const {
  std::vector<std::pair<std::string, double>> numbers;
  for (const auto& [name, value] : table) {
    if (!value.is_number()) {
      FailAt(value, fmt::format("'{}' must be a number", name.str()),
             "give a number");
    }
    numbers.emplace_back(name.str(), *value.value<double>());
  }
  return numbers;
}

TomlTable TomlTable::Table(std::string_view key) {
  const toml::node& node = Get(key);
  if (!node.is_table()) {
    FailAt(node, fmt::format("'{}' must be a table", key),
           fmt::format("begin it with [{}]", key));
  }
  return {document_, *node.as_table()};
}

std::vector<TomlTable> TomlTable::Tables(std::string_view key) {
  const toml::node& node = Get(key);
  if (!node.is_array_of_tables()) {
    FailAt(node, fmt::format("'{}' must be a list of tables", key),
           "begin each with two brackets: [[...]]");
  }
  std::vector<TomlTable> tables;
  for (const toml::node& element : *node.as_array()) {
    tables.push_back({document_, *element.as_table()});
  }
  return tables;
}

std::vector<TomlTable> TomlTable::TablesIfAny(std::string_view key) {
  return Find(key) == nullptr ? std::vector<TomlTable>() : Tables(key);
}

void TomlTable::ExpectNoMore() const {
  for (const auto& [key, value] : *table_) {
    if (!seen_.contains(key.str())) {
      FailAt(value, fmt::format("'{}' is not known here", key.str()),
             "correct its spelling, or remove it");
    }
  }
}

TomlTable ParseToml(std::string_view text, const std::string& file,
                    const std::string& purpose) {
  try {
    const auto document = std::make_shared<const TomlTable::Document>(
        TomlTable::Document{toml::parse(text, file), file, purpose});
    return {document, document->root};
  } catch (const toml::parse_error& error) {
    throw DataError(fmt::format("{}:{}: {}", file, error.source().begin.line,
                                error.description()),
                    purpose, "correct the TOML syntax at this line");
  }
}

TomlTable ReadToml(const std::filesystem::path& file,
                   const std::string& purpose) {
  std::ifstream stream(file);
  const std::string text{std::istreambuf_iterator<char>(stream),
                         std::istreambuf_iterator<char>()};
  if (!stream) {
    throw DataError(file.string() + ": cannot be read", purpose,
                    "check that it is there, and readable");
  }
  return ParseToml(text, file.string(), purpose);
}

}  // namespace kvlab
