#include "kit/tokenizer_files.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kit/error.h"
#include "kit/json_object.h"
#include "kit/mapped_file.h"
#include "kit/tensor.h"
#include "kit/tokenizer_merges.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

constexpr std::string_view kUsePublished =
    "use vocab.json and merges.txt as they were published with the model";

// One line of merges.txt.
struct MergeLine {
  const std::filesystem::path& path;
  std::size_t number;
  std::string_view text;

  [[noreturn]] void Fail(const std::string& what,
                         const std::string& why) const {
    throw DataError(path.string() + ": line " + std::to_string(number) + " " +
                        Quoted(text) + " " + what,
                    why, kUsePublished);
  }

  TokenId Find(const std::string& token, const Vocabulary& vocabulary) const {
    const auto found = vocabulary.find(token);
    if (found == vocabulary.end()) {
      Fail("does not match the vocabulary",
           Quoted(token) + " is not in vocab.json");
    }
    return found->second;
  }
};

void AddMerge(const MergeLine& line, const Vocabulary& vocabulary,
              MergeTable& merges) {
  const std::string_view text = line.text;
  const std::size_t space = text.find(' ');
  if (space == 0 || space == std::string_view::npos ||
      space + 1 == text.size() ||
      text.find(' ', space + 1) != std::string_view::npos) {
    line.Fail("is malformed", "it is not two tokens with a space between them");
  }
  const std::string left(text.substr(0, space));
  const std::string right(text.substr(space + 1));
  const TokenId left_id = line.Find(left, vocabulary);
  const TokenId right_id = line.Find(right, vocabulary);
  const TokenId merged_id = line.Find(left + right, vocabulary);
  if (!merges.Add(left_id, right_id, merged_id)) {
    line.Fail("repeats an earlier one", "a merge has one place in the order");
  }
}

// Takes the first line off `rest`.
std::string_view TakeLine(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

Vocabulary ReadVocabulary(const std::filesystem::path& path) {
  const nlohmann::json object = ReadJsonObject(path);
  if (object.empty()) {
    throw DataError(path.string() + ": has no tokens",
                    "text cannot be written with an empty vocabulary",
                    kUsePublished);
  }
  Vocabulary vocabulary;
  std::vector<bool> used(object.size(), false);
  const auto fail = [&](const std::string& token, const std::string& what,
                        const std::string& why) {
    throw DataError(path.string() + ": the id of " + Quoted(token) + " " + what,
                    why, kUsePublished);
  };
  for (const auto& [token, id] : object.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= object.size()) {
      fail(token, "is out of range",
           "the ids of " + std::to_string(object.size()) +
               " tokens are whole numbers from 0 to " +
               std::to_string(object.size() - 1));
    }
    const auto index = id.get<std::size_t>();
    if (used[index]) {
      fail(token, "is taken",
           std::to_string(index) + " belongs to another token too");
    }
    used[index] = true;
    vocabulary.emplace(token, static_cast<TokenId>(index));
  }
  return vocabulary;
}

MergeTable ReadMerges(const std::filesystem::path& path,
                      const Vocabulary& vocabulary) {
  const std::shared_ptr<const MappedFile> file = MappedFile::Open(path);
  MergeTable merges;
  std::string_view rest = file->Text();
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::string_view text = TakeLine(rest);
    const bool version = number == 1 && text.starts_with("#version");
    if (text.empty() || version) continue;
    AddMerge({.path = path, .number = number, .text = text}, vocabulary,
             merges);
  }
  return merges;
}

}  // namespace kvlab
