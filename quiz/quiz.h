// The questions of a quiz, which are public: no answers here.
#ifndef KVLAB_QUIZ_QUIZ_H_
#define KVLAB_QUIZ_QUIZ_H_

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kvlab {

struct QuizOption {
  std::string key;  // the authors' name for it; students see a letter
  std::string text;
};

// What {name} in a question stands for.
using QuizNumbers = std::map<std::string, double>;

struct QuizQuestion {
  std::string id;
  std::string text;
  std::vector<QuizOption> options;  // none: the answer is a number
  std::string unit;                 // of the number
  // Each student gets one of them.
  std::vector<QuizNumbers> cases;

  bool IsChoice() const { return !options.empty(); }
};

struct Quiz {
  std::vector<QuizQuestion> questions;

  // nullptr if there is no question with this id.
  const QuizQuestion* Find(std::string_view id) const;
};

// Throws DataError, with file and line, for an unknown or missing key, an id
// or option that appears twice, a single option, a {name} that a case does
// not have, or a number that no text names.
Quiz ParseQuiz(std::string_view toml, const std::string& file);

// The same for a file.
Quiz LoadQuiz(const std::filesystem::path& file);

}  // namespace kvlab

#endif  // KVLAB_QUIZ_QUIZ_H_
