// tokenizer.json: the vocabulary, the merges, and the settings around them.
// Source: Hugging Face's Rust crate tokenizers, which writes these files.
#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "kit/error.h"
#include "kit/files/json_object.h"
#include "kit/tokenizer/tokenizer_files.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

using nlohmann::json;

// One tokenizer.json while it is being checked.
class TokenizerJson {
 public:
  explicit TokenizerJson(const std::filesystem::path& path)
      : path_(path.string()), object_(ReadJsonObject(path)) {}

  TokenizerFiles Read() const {
    CheckModel();
    CheckSurroundings();
    TokenizerFiles files;
    files.source = path_;
    TakeVocabulary(Part("vocab", json::value_t::object, "an object"),
                   AddedTokens(), files);
    const json& merges = Part("merges", json::value_t::array, "a list");
    for (std::size_t i = 0; i < merges.size(); ++i) {
      ReadMerge(merges[i], i + 1, files);
    }
    return files;
  }

 private:
  [[noreturn]] void Refuse(const std::string& part,
                           const std::string& why) const {
    throw DataError(path_ + ": '" + part + "' is not that of GPT-2", why,
                    "use a model with GPT-2's tokenizer: byte-level BPE");
  }

  [[noreturn]] void Malformed(const std::string& part,
                              const std::string& why) const {
    throw DataError(path_ + ": " + part + " is malformed", why,
                    "use tokenizer.json as it was published with the model");
  }

  // A member; null if it is missing.
  static const json& Member(const json& object, const char* name) {
    static const json nothing;
    if (!object.is_object()) return nothing;
    const auto found = object.find(name);
    return found == object.end() ? nothing : *found;
  }

  static std::string Type(const json& part) {
    const json& type = Member(part, "type");
    return type.is_string() ? type.get<std::string>() : "";
  }

  // Whether the value is null, false, 0 or "": the feature is not used.
  static bool IsOff(const json& value) {
    return value.is_null() || value == json(false) || value == json("") ||
           (value.is_number() && value.get<double>() == 0);
  }

  const json& Model() const { return Member(object_, "model"); }

  const json& Part(const char* name, json::value_t type,
                   const char* should) const {
    const json& part = Member(Model(), name);
    if (part.type() != type) {
      Malformed("'model." + std::string(name) + "'",
                "it is missing, or not " + std::string(should));
    }
    return part;
  }

  // Files older than the field "type" have nothing but BPE with merges.
  void CheckModel() const {
    if (!Model().is_object()) Malformed("'model'", "it is not an object");
    const std::string type = Type(Model());
    if (type != "BPE" && !(type.empty() && Model().contains("merges"))) {
      Refuse("model", "its type is " + Quoted(type) + ", not 'BPE'");
    }
    for (const char* feature :
         {"dropout", "continuing_subword_prefix", "end_of_word_suffix",
          "byte_fallback", "ignore_merges"}) {
      const json& value = Member(Model(), feature);
      if (!IsOff(value)) {
        Refuse("model." + std::string(feature),
               "it is " + Quoted(value.dump()) + ", which GPT-2 does not use");
      }
    }
  }

  void CheckSurroundings() const {
    if (!Member(object_, "normalizer").is_null()) {
      Refuse("normalizer", "it is " +
                               Quoted(Type(Member(object_, "normalizer"))) +
                               "; GPT-2 takes bytes as they are");
    }
    CheckPreTokenizer(Member(object_, "pre_tokenizer"));
    const std::string decoder = Type(Member(object_, "decoder"));
    if (!Member(object_, "decoder").is_null() && decoder != "ByteLevel") {
      Refuse("decoder", "its type is " + Quoted(decoder) + ", not 'ByteLevel'");
    }
    CheckPostProcessor(Member(object_, "post_processor"));
  }

  // Alone, or alone in a sequence.
  void CheckPreTokenizer(const json& part) const {
    const json& sequence = Member(part, "pretokenizers");
    if (Type(part) == "Sequence" && sequence.is_array() &&
        sequence.size() == 1) {
      CheckByteLevel(sequence[0]);
    } else {
      CheckByteLevel(part);
    }
  }

  void CheckByteLevel(const json& part) const {
    if (Type(part) != "ByteLevel") {
      Refuse("pre_tokenizer",
             "its type is " + Quoted(Type(part)) + ", not 'ByteLevel' alone");
    }
    // Both are missing in old files, which split by GPT-2's pattern.
    if (Member(part, "use_regex") == json(false)) {
      Refuse("pre_tokenizer.use_regex",
             "it is false: text would be split by another pattern, or not at "
             "all");
    }
    if (!IsOff(Member(part, "add_prefix_space"))) {
      Refuse("pre_tokenizer.add_prefix_space",
             "it is true: a space would be put before each text");
    }
  }

  // ByteLevel here adjusts offsets, which kvlab does not use; a template of the
  // text alone adds nothing.
  void CheckPostProcessor(const json& part) const {
    if (part.is_null() || Type(part) == "ByteLevel") return;
    const json& single = Member(part, "single");
    const bool text_alone = Type(part) == "TemplateProcessing" &&
                            single.is_array() && single.size() == 1 &&
                            Member(single[0], "Sequence").is_object();
    if (!text_alone) {
      Refuse("post_processor", "its type is " + Quoted(Type(part)) +
                                   ": it adds tokens to each text");
    }
  }

  // [{"id": 50256, "content": "<|endoftext|>", ...}, ...] as token and id.
  json AddedTokens() const {
    json tokens = json::object();
    const json& list = Member(object_, "added_tokens");
    if (list.is_null()) return tokens;
    if (!list.is_array()) Malformed("'added_tokens'", "it is not a list");
    for (const json& entry : list) {
      const json& content = Member(entry, "content");
      if (!content.is_string() || !Member(entry, "id").is_number()) {
        Malformed("'added_tokens'", "an entry has no id or no content");
      }
      const auto& text = content.get_ref<const std::string&>();
      if (!tokens.emplace(text, Member(entry, "id")).second) {
        Malformed("'added_tokens'", Quoted(text) + " appears twice");
      }
    }
    return tokens;
  }

  void ReadMerge(const json& merge, std::size_t number,
                 TokenizerFiles& files) const {
    const std::string which = "merge " + std::to_string(number);
    const std::string where =
        path_ + ": " + which + " " + Quoted(Printed(merge));
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
        merge[1].is_string()) {
      AddMerge(merge[0], merge[1], where, files);
      return;
    }
    const std::string text = merge.is_string() ? merge.get<std::string>() : "";
    const std::size_t space = text.find(' ');
    if (space == std::string::npos) {
      Malformed(which, R"(it is neither 'left right' nor ["left", "right"])");
    }
    AddMerge(text.substr(0, space), text.substr(space + 1), where, files);
  }

  static std::string Printed(const json& merge) {
    return merge.is_string() ? merge.get<std::string>() : merge.dump();
  }

  std::string path_;
  json object_;
};

}  // namespace

TokenizerFiles ReadTokenizerJson(const std::filesystem::path& path) {
  return TokenizerJson(path).Read();
}

}  // namespace kvlab
