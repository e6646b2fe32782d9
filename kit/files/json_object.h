// The one reader of untrusted JSON.
#ifndef KVLAB_KIT_FILES_JSON_OBJECT_H_
#define KVLAB_KIT_FILES_JSON_OBJECT_H_

#include <filesystem>
#include <string>
#include <string_view>

#include "nlohmann/json.hpp"

namespace kvlab {

// Whether // and /* */ comments are allowed, for files that people fill in.
enum class JsonComments { kRefused, kIgnored };

// Parses `text`. Throws DataError, starting with `source` (what the text is,
// for example the file's name), unless it is one JSON object in UTF-8, nested
// at most 16 deep, in which no object has the same key twice: readers disagree
// about which of the two counts. NUL bytes are refused: the parser takes one
// for the end of the text and would skip the rest.
nlohmann::json ParseJsonObject(std::string_view text, const std::string& source,
                               JsonComments comments = JsonComments::kRefused);

// The same from a file, opened as OpenPublished does.
nlohmann::json ReadJsonObject(const std::filesystem::path& path);

// `text` for a message: in quotes, at most 60 bytes of it, with everything
// but printable ASCII as \xNN.
std::string Quoted(std::string_view text);

}  // namespace kvlab

#endif  // KVLAB_KIT_FILES_JSON_OBJECT_H_
