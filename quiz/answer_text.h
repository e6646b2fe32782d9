// The text of answers.json as saved by editors on any system.
#ifndef KVLAB_QUIZ_ANSWER_TEXT_H_
#define KVLAB_QUIZ_ANSWER_TEXT_H_

#include <string>
#include <string_view>

namespace kvlab {

// In UTF-8, without a byte order mark, with JSON's quotes and plain spaces.
// UTF-16 is recognised by its mark, or by a NUL beside its first character. ""
// for incomplete or malformed UTF-16.
std::string PlainText(std::string_view bytes);

}  // namespace kvlab

#endif  // KVLAB_QUIZ_ANSWER_TEXT_H_
