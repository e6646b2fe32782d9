// The text of answers.json as editors of all systems save it.
#ifndef KVLAB_QUIZ_ANSWER_TEXT_H_
#define KVLAB_QUIZ_ANSWER_TEXT_H_

#include <string>
#include <string_view>

namespace kvlab {

// In UTF-8, without a byte order mark, with quotes as JSON has them and with
// plain spaces. UTF-16 is known by its mark, or by a NUL beside its first
// character. "" for UTF-16 that is cut or malformed.
std::string PlainText(std::string_view bytes);

}  // namespace kvlab

#endif  // KVLAB_QUIZ_ANSWER_TEXT_H_
