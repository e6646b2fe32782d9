// An answer sheet that is not quite JSON, line by line.
#ifndef KVLAB_QUIZ_LENIENT_SHEET_H_
#define KVLAB_QUIZ_LENIENT_SHEET_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace kvlab {

struct WrittenSheet {
  std::string student;
  std::map<std::string, std::string> answers;  // as typed, without quotes
};

// Reads a sheet as ./kvlab quiz writes it, an answer on each line, any of which
// may be malformed: 1,152 without quotes, an extra or missing comma, missing
// quotes. nullopt if it names no student, or an answer twice.
std::optional<WrittenSheet> ReadLines(std::string_view text);

}  // namespace kvlab

#endif  // KVLAB_QUIZ_LENIENT_SHEET_H_
