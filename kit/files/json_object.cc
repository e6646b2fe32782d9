#include "kit/files/json_object.h"

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/files/published_file.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

constexpr std::size_t kMaxDepth = 16;

// Follows the parser: one set of keys for every object that is open.
class ParseGuard {
 public:
  explicit ParseGuard(const std::string& source) : source_(source) {}

  void OnEvent(nlohmann::json::parse_event_t event,
               const nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) Open();
    if (event == Event::object_end || event == Event::array_end) {
      open_.pop_back();
    }
    if (event == Event::key) AddKey(parsed.get_ref<const std::string&>());
  }

 private:
  void Open() {
    if (open_.size() == kMaxDepth) {
      throw DataError(source_ + ": is nested too deeply",
                      "more than " + std::to_string(kMaxDepth) +
                          " objects and arrays inside each other",
                      "use the file as it was published");
    }
    open_.emplace_back();
  }

  void AddKey(const std::string& key) {
    if (!open_.back().insert(key).second) {
      throw DataError(source_ + ": key " + Quoted(key) + " appears twice",
                      "it is unclear which of the two counts",
                      "remove one of them");
    }
  }

  const std::string& source_;
  std::vector<std::set<std::string>> open_;
};

void CheckNoNul(std::string_view text, const std::string& source) {
  const std::size_t nul = text.find('\0');
  if (nul == std::string_view::npos) return;
  throw DataError(source + ": has a NUL byte",
                  "byte " + std::to_string(nul) + " of " +
                      std::to_string(text.size()) +
                      "; readers disagree about whether the text ends there",
                  "write the file again; JSON is padded with spaces");
}

}  // namespace

nlohmann::json ParseJsonObject(std::string_view text, const std::string& source,
                               JsonComments comments) {
  constexpr bool kThrows = true;
  CheckNoNul(text, source);
  ParseGuard guard(source);
  nlohmann::json object;
  try {
    object = nlohmann::json::parse(
        text.begin(), text.end(),
        [&guard](int, nlohmann::json::parse_event_t event,
                 nlohmann::json& parsed) {
          guard.OnEvent(event, parsed);
          return true;
        },
        kThrows, comments == JsonComments::kIgnored);
  } catch (const nlohmann::json::parse_error& error) {
    throw DataError(source + ": is not valid JSON",
                    "the parser stopped at byte " + std::to_string(error.byte) +
                        " of " + std::to_string(text.size()),
                    "download or write the file again");
  } catch (const nlohmann::json::exception&) {
    throw DataError(source + ": is not valid JSON",
                    "a number in it is too large for any type",
                    "download or write the file again");
  }
  if (!object.is_object()) {
    throw DataError(
        source + ": is not a JSON object",
        "it holds " + std::string(object.type_name()) + ", not {...}",
        "use the file as it was published");
  }
  return object;
}

nlohmann::json ReadJsonObject(const std::filesystem::path& path) {
  return ParseJsonObject(OpenPublished(path)->Text(), path.string());
}

std::string Quoted(std::string_view text) {
  constexpr std::size_t kMaxBytes = 60;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string quoted = "'";
  for (const char c : text.substr(0, kMaxBytes)) {
    if (c >= ' ' && c <= '~') {
      quoted += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      quoted.append("\\x").append({kHex[byte >> 4U], kHex[byte & 15U]});
    }
  }
  return quoted + (text.size() > kMaxBytes ? "...'" : "'");
}

}  // namespace kvlab
