// JSON that nobody has checked yet.
#ifndef KVLAB_KIT_JSON_OBJECT_H_
#define KVLAB_KIT_JSON_OBJECT_H_

#include <filesystem>
#include <string>
#include <string_view>

#include "nlohmann/json.hpp"

namespace kvlab {

// Parses `text`. Throws DataError, starting with `source` (what the text is,
// for example the file's name), unless it is one JSON object, nested at most
// 16 deep, in which no object has the same key twice: readers disagree about
// which of the two counts.
nlohmann::json ParseJsonObject(std::string_view text,
                               const std::string& source);

// The same from a file.
nlohmann::json ReadJsonObject(const std::filesystem::path& path);

// `text` for a message: in quotes, at most 60 bytes of it, with everything
// but printable ASCII as \xNN.
std::string Quoted(std::string_view text);

}  // namespace kvlab

#endif  // KVLAB_KIT_JSON_OBJECT_H_
