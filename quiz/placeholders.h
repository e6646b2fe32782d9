// {name} in the texts of a quiz.
#ifndef KVLAB_QUIZ_PLACEHOLDERS_H_
#define KVLAB_QUIZ_PLACEHOLDERS_H_

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace kvlab {

// The names in braces; {} and an unclosed brace are plain text.
std::set<std::string> NamesIn(std::string_view text);

// The text with numbers for names: 1,024 and 37.5. Names without a number stay.
std::string FillIn(std::string_view text,
                   const std::map<std::string, double>& numbers);

}  // namespace kvlab

#endif  // KVLAB_QUIZ_PLACEHOLDERS_H_
