// ./kvlab quiz ID: writes the questions in the variant of one student, or
// reports which answers are missing or invalid; --check, for ./kvlab submit,
// only reports. Exit status 0; 1 if answers are missing or invalid; 2 for wrong
// options or files.
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <variant>

#include "CLI/CLI.hpp"
#include "fmt/format.h"
#include "kit/error.h"
#include "quiz/answer_sheet.h"
#include "quiz/quiz.h"
#include "quiz/variant.h"

namespace kvlab {
namespace {

struct CommandLine {
  std::string student;
  std::filesystem::path module = "modules/04_profiling";
  bool check = false;
};

std::string TextOf(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(stream), {});
  if (!stream) {
    throw DataError(file.string() + ": cannot be read",
                    "it contains your answers", "check that you may read it");
  }
  return text;
}

void WriteNew(const std::filesystem::path& file, const std::string& text) {
  std::ofstream stream(file);
  stream << text;
  stream.close();
  if (!stream) {
    throw DataError(file.string() + ": cannot be written",
                    "the questions are written there",
                    "check that the folder is writable and has room");
  }
}

// Text of a sheet, made safe for a terminal.
std::string Legible(const std::string& text) {
  constexpr std::size_t kMost = 60;
  std::string legible = text.substr(0, kMost);
  for (char& letter : legible) {
    if (letter < ' ' || letter > '~') letter = '?';
  }
  return legible;
}

// Reports what is missing; returns the number of such questions.
std::size_t TellWhatIsMissing(const Quiz& quiz, const AnswerSheet& sheet) {
  std::size_t missing = 0;
  for (const QuizQuestion& question : quiz.questions) {
    const auto answer = sheet.answers.find(question.id);
    const std::string trouble = answer == sheet.answers.end()
                                    ? "not answered yet"
                                    : Unfit(question, answer->second);
    if (trouble.empty()) {
      const std::string read = ReadAs(question, answer->second);
      if (!read.empty()) {
        fmt::print("  {}: {} is read as {}\n", question.id,
                   Legible(std::get<std::string>(answer->second)), read);
      }
      continue;
    }
    fmt::print("  {}: {}\n", question.id, trouble);
    ++missing;
  }
  for (const auto& [id, answer] : sheet.answers) {
    if (quiz.Find(id) == nullptr) {
      fmt::print("  {}: the quiz does not ask this\n", Legible(id));
      ++missing;
    }
  }
  return missing;
}

// 1 if an answer is missing or invalid.
int TellHowFarItIs(const Quiz& quiz, const AnswerSheet& sheet,
                   const std::filesystem::path& file) {
  const std::size_t missing = TellWhatIsMissing(quiz, sheet);
  fmt::print("kvlab quiz: {} of {} questions are answered in {}\n",
             quiz.questions.size() - std::min(missing, quiz.questions.size()),
             quiz.questions.size(), file.string());
  return missing > 0 ? 1 : 0;
}

int Run(const CommandLine& line) {
  const Quiz quiz = LoadQuiz(line.module / "quiz.toml");
  const std::filesystem::path file = line.module / "answers.json";
  if (line.check) {
    return TellHowFarItIs(quiz, ParseAnswerSheet(TextOf(file), file.string()),
                          file);
  }
  const std::string student = StudentId(line.student);
  if (!std::filesystem::exists(file)) {
    WriteNew(file, BlankSheet(quiz, student));
    fmt::print("kvlab quiz: {} questions for {} are in {}; answer them there\n",
               quiz.questions.size(), student, file.string());
    return 0;
  }
  const AnswerSheet sheet = ParseAnswerSheet(TextOf(file), file.string());
  if (sheet.student != student) {
    throw DataError(fmt::format("{}: these are the answers of {}",
                                file.string(), sheet.student),
                    fmt::format("{} has other numbers", student),
                    "move the file away to get new questions");
  }
  return TellHowFarItIs(quiz, sheet, file);
}

}  // namespace

int Main(int argc, char** argv) {
  CommandLine line;
  CLI::App app("Writes the concept checks for you, and checks your answers.",
               "kvlab quiz");
  auto* check =
      app.add_flag("--check", line.check,
                   "only report which answers are missing or invalid");
  auto* id = app.add_option("ID", line.student, "your id in the course");
  app.add_option("--module", line.module, "the folder with quiz.toml")
      ->capture_default_str()
      ->take_last();
  CLI11_PARSE(app, argc, argv);
  if (id->count() + check->count() != 1) {
    fmt::print(stderr, "kvlab quiz: ID is required; see --help\n");
    return 2;
  }
  return Run(line);
}

}  // namespace kvlab

int main(int argc, char** argv) {
  try {
    return kvlab::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kvlab quiz: %s\n", error.what());
    return 2;
  }
}
