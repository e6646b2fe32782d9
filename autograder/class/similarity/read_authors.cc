#include "autograder/class/similarity/read_authors.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograder/class/gradebook.h"
#include "autograder/class/roster.h"
#include "autograder/class/similarity/alike_pairs.h"
#include "autograder/class/similarity/given_code.h"
#include "autograder/class/similarity/handout.h"
#include "autograder/machine/submission/module_files.h"
#include "autograder/machine/submission/submission.h"
#include "autograder/machine/text/printable.h"
#include "kit/error.h"
#include "kit/files/temporary_folder.h"
#include "quiz/quiz.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSourceEnding = ".cc";
// All answers of the course together have a tenth of it. More would only keep
// the comparison busy.
constexpr std::size_t kMostSourceBytes = std::size_t{1} << 20U;

// A file of the handout, which may be a link to it.
std::string ContentOf(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream),
          std::istreambuf_iterator<char>()};
}

// Nothing, and a sentence, if it cannot be read.
std::optional<Author> ReadAuthor(const fs::path& path, const std::string& name,
                                 const std::vector<ModuleFiles>& modules,
                                 std::vector<std::string>& unread) {
  try {
    Author author;
    author.name = name;
    for (auto& [file, submitted] : ReadSubmission(path, modules).files) {
      if (!submitted.IsPresent()) continue;
      (file.ends_with(kSourceEnding) ? author.sources : author.papers)
          .emplace(file, std::move(submitted.content));
    }
    std::size_t bytes = 0;
    for (const auto& [file, content] : author.sources) bytes += content.size();
    if (bytes > kMostSourceBytes) {
      unread.push_back(name + ": its code has more than 1 MiB");
      return std::nullopt;
    }
    return author;
  } catch (const DataError& error) {
    unread.push_back(name + ": " + std::string(error.what()));
    return std::nullopt;
  }
}

std::optional<Author> ReadAttempt(const Gradebook& book, const Attempt& attempt,
                                  const std::vector<ModuleFiles>& modules,
                                  std::vector<std::string>& unread) {
  const TemporaryFolder folder;
  const fs::path file = folder.Path() / "submission";
  std::ofstream(file, std::ios::binary) << book.Content(attempt);
  return ReadAuthor(file, attempt.student, modules, unread);
}

bool HandedInTogether(const Attempt& one, const Attempt& other) {
  return one.digest == other.digest &&
         std::ranges::find(one.members, other.student) != one.members.end();
}

// `people` are ids, in their order.
Authors ReadAttempts(const Gradebook& book,
                     const std::vector<std::string>& people,
                     const std::vector<ModuleFiles>& modules) {
  Authors read;
  const std::vector<Attempt> attempts = book.Attempts();
  std::vector<std::pair<const Attempt*, std::size_t>> authors;
  for (const std::string& person : people) {
    const Attempt* attempt = CountingAttempt(attempts, person);
    if (attempt == nullptr) continue;
    const auto group = std::ranges::find_if(authors, [&](const auto& known) {
      return HandedInTogether(*known.first, *attempt);
    });
    if (group != authors.end()) {
      read.authors[group->second].name += ", " + person;
      continue;
    }
    if (auto author = ReadAttempt(book, *attempt, modules, read.unread)) {
      authors.emplace_back(attempt, read.authors.size());
      read.authors.push_back(*std::move(author));
    }
  }
  return read;
}

std::vector<std::string> AllStudents(const Gradebook& book) {
  std::vector<std::string> students;
  for (const Attempt& attempt : book.Attempts()) {
    if (std::ranges::find(students, attempt.student) == students.end()) {
      students.push_back(attempt.student);
    }
  }
  return students;
}

Authors ReadFolder(const fs::path& folder,
                   const std::vector<ModuleFiles>& modules) {
  Authors read;
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) {
    paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  for (const fs::path& path : paths) {
    const std::string name =
        fs::is_directory(path) ? path.filename() : path.stem();
    if (auto author = ReadAuthor(path, name, modules, read.unread)) {
      read.authors.push_back(*std::move(author));
    }
  }
  return read;
}

bool IsGiven(const fs::path& file) {
  constexpr std::array<std::string_view, 3> kEndings = {".cc", ".h", ".md"};
  return std::ranges::find(kEndings, file.extension().string()) !=
         kEndings.end();
}

}  // namespace

Authors ReadClass(const Gradebook& book, const Roster& roster,
                  const std::vector<ModuleFiles>& modules) {
  std::vector<std::string> people;
  for (const Person& person : roster.People()) people.push_back(person.id);
  return ReadAttempts(book, people, modules);
}

void AddEarlierTerm(const fs::path& folder,
                    const std::vector<ModuleFiles>& modules, Authors& to) {
  Authors read;
  if (fs::exists(folder / "class.sqlite")) {
    const Gradebook book(folder / "class.sqlite");
    read = ReadAttempts(book, AllStudents(book), modules);
  } else {
    read = ReadFolder(folder, modules);
  }
  if (read.authors.empty()) {
    throw DataError(
        PrintableLine(folder.string()) + ": no submission can be read",
        "an earlier term is a class's folder, or one with an archive or a "
        "folder for each person",
        "name that folder");
  }
  // "2026/ann": another term may have the same ids.
  fs::path term = fs::absolute(folder).lexically_normal();
  if (!term.has_filename()) term = term.parent_path();
  for (Author& author : read.authors) {
    author.name.insert(0, term.filename().string() + '/');
    author.is_earlier = true;
    to.authors.push_back(std::move(author));
  }
  std::ranges::move(read.unread, std::back_inserter(to.unread));
}

GivenCode ReadGivenCode(const Handout& handout) {
  GivenCode given;
  for (const fs::path& folder : handout.given) {
    for (const auto& entry : fs::recursive_directory_iterator(
             folder, fs::directory_options::follow_directory_symlink)) {
      if (entry.is_regular_file() && IsGiven(entry.path())) {
        given.Add(ContentOf(entry.path()));
      }
    }
  }
  return given;
}

std::map<std::string, Quiz> ReadQuizzes(
    const Handout& handout, const std::vector<ModuleFiles>& modules) {
  std::map<std::string, Quiz> quizzes;
  for (const ModuleFiles& module : modules) {
    const fs::path quiz =
        handout.course / "modules" / module.folder / "quiz.toml";
    for (const std::string& paper : module.papers) {
      if (fs::exists(quiz)) {
        quizzes.emplace(CoursePath(module, paper), LoadQuiz(quiz));
      }
    }
  }
  return quizzes;
}

}  // namespace kvlab::grading
