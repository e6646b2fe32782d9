#include "kit/tokenizer/tokenizer_files.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "kit/error.h"
#include "kit/files/json_object.h"
#include "kit/files/mapped_file.h"
#include "kit/files/published_file.h"
#include "kit/tensor/tensor.h"
#include "kit/tokenizer/tokenizer_merges.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

using nlohmann::json;

constexpr std::string_view kUsePublished =
    "use the vocabulary as it was published with the model";

// Assigns the ids 0 .. size - 1.
class IdTable {
 public:
  IdTable(std::string source, std::size_t size)
      : source_(std::move(source)), used_(size, false) {}

  // Throws DataError unless `id` is one of them and still free.
  TokenId Take(const std::string& token, const json& id) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= used_.size()) {
      Fail(token, "is out of range",
           "the ids of " + std::to_string(used_.size()) +
               " tokens are whole numbers from 0 to " +
               std::to_string(used_.size() - 1));
    }
    const auto index = id.get<std::size_t>();
    if (used_[index]) {
      Fail(token, "is taken",
           std::to_string(index) + " belongs to another token too");
    }
    used_[index] = true;
    return static_cast<TokenId>(index);
  }

  [[noreturn]] void Fail(const std::string& token, const std::string& what,
                         const std::string& why) const {
    throw DataError(source_ + ": the id of " + Quoted(token) + " " + what, why,
                    kUsePublished);
  }

 private:
  std::string source_;
  std::vector<bool> used_;
};

TokenId FindToken(const std::string& token, const std::string& where,
                  const TokenizerFiles& files) {
  const auto found = files.vocabulary.find(token);
  if (found == files.vocabulary.end()) {
    throw DataError(where + " does not match the vocabulary",
                    Quoted(token) + " is not in " +
                        std::filesystem::path(files.source).filename().string(),
                    kUsePublished);
  }
  return found->second;
}

// One line of merges.txt.
void AddLine(std::string_view line, const std::string& where,
             TokenizerFiles& files) {
  const std::size_t space = line.find(' ');
  if (space == 0 || space == std::string_view::npos ||
      space + 1 == line.size() ||
      line.find(' ', space + 1) != std::string_view::npos) {
    throw DataError(where + " is malformed",
                    "it is not two tokens with a space between them",
                    kUsePublished);
  }
  AddMerge(std::string(line.substr(0, space)),
           std::string(line.substr(space + 1)), where, files);
}

// Takes the first line off `rest`.
std::string_view TakeLine(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void ReadMerges(const std::filesystem::path& path, TokenizerFiles& files) {
  const std::shared_ptr<const MappedFile> file = OpenPublished(path);
  std::string_view rest = file->Text();
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = TakeLine(rest);
    const bool version = number == 1 && line.starts_with("#version");
    if (line.empty() || version) continue;
    AddLine(
        line,
        path.string() + ": line " + std::to_string(number) + " " + Quoted(line),
        files);
  }
}

bool Exists(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

}  // namespace

std::size_t TokenizerFiles::Size() const {
  std::size_t size = vocabulary.size();
  for (const auto& [token, id] : added) {
    if (!vocabulary.contains(token)) ++size;
  }
  return size;
}

void AddMerge(const std::string& left, const std::string& right,
              const std::string& where, TokenizerFiles& files) {
  const TokenId left_id = FindToken(left, where, files);
  const TokenId right_id = FindToken(right, where, files);
  const TokenId merged_id = FindToken(left + right, where, files);
  if (!files.merges.Add(left_id, right_id, merged_id)) {
    throw DataError(where + " repeats an earlier one",
                    "a merge has one place in the order", kUsePublished);
  }
}

void TakeVocabulary(const json& vocabulary, const json& added,
                    TokenizerFiles& files) {
  if (vocabulary.empty()) {
    throw DataError(files.source + ": has no tokens",
                    "text cannot be written with an empty vocabulary",
                    kUsePublished);
  }
  std::size_t size = vocabulary.size();
  for (const auto& [token, id] : added.items()) {
    if (!vocabulary.contains(token)) ++size;
  }
  IdTable ids(files.source, size);
  for (const auto& [token, id] : vocabulary.items()) {
    files.vocabulary.emplace(token, ids.Take(token, id));
  }
  for (const auto& [token, id] : added.items()) {
    const auto known = vocabulary.find(token);
    if (known == vocabulary.end()) {
      files.added.emplace(token, ids.Take(token, id));
    } else if (*known == id) {
      files.added.emplace(token, files.vocabulary.at(token));
    } else {
      ids.Fail(token, "appears twice",
               "it is " + known->dump() + " in the vocabulary and " +
                   id.dump() + " among the added tokens");
    }
  }
}

TokenizerFiles ReadVocabAndMerges(const std::filesystem::path& vocab_json,
                                  const std::filesystem::path& merges_txt) {
  TokenizerFiles files;
  files.source = vocab_json.string();
  const std::filesystem::path added =
      vocab_json.parent_path() / "added_tokens.json";
  TakeVocabulary(ReadJsonObject(vocab_json),
                 Exists(added) ? ReadJsonObject(added) : json::object(), files);
  ReadMerges(merges_txt, files);
  return files;
}

TokenizerFiles ReadTokenizerFiles(const std::filesystem::path& directory) {
  const std::filesystem::path vocab = directory / "vocab.json";
  const std::filesystem::path merges = directory / "merges.txt";
  const std::filesystem::path whole = directory / "tokenizer.json";
  const bool both = Exists(vocab) && Exists(merges);
  if (!both && Exists(whole)) return ReadTokenizerJson(whole);
  return ReadVocabAndMerges(vocab, merges);
}

}  // namespace kvlab
