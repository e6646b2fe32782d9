// Who is compared: the attempts of a class that count, and earlier terms.
#ifndef KVLAB_AUTOGRADER_CLASS_SIMILARITY_READ_AUTHORS_H_
#define KVLAB_AUTOGRADER_CLASS_SIMILARITY_READ_AUTHORS_H_

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "autograder/class/gradebook.h"
#include "autograder/class/roster.h"
#include "autograder/class/similarity/alike_pairs.h"
#include "autograder/class/similarity/given_code.h"
#include "autograder/class/similarity/handout.h"
#include "autograder/machine/submission/module_files.h"
#include "quiz/quiz.h"

namespace kvlab::grading {

struct Authors {
  std::vector<Author> authors;  // those of earlier terms last
  // A sentence about each submission that cannot be read.
  std::vector<std::string> unread;
};

// The attempts that count. A group that handed in one archive is one author.
Authors ReadClass(const Gradebook& book, const Roster& roster,
                  const std::vector<ModuleFiles>& modules);

// Adds an earlier term: a class's folder, or one with an archive or a folder
// for each person. Throws DataError if it has neither.
void AddEarlierTerm(const std::filesystem::path& folder,
                    const std::vector<ModuleFiles>& modules, Authors& to);

GivenCode ReadGivenCode(const Handout& handout);

// By the file that answers it: "modules/04_profiling/answers.json".
std::map<std::string, Quiz> ReadQuizzes(
    const Handout& handout, const std::vector<ModuleFiles>& modules);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_SIMILARITY_READ_AUTHORS_H_
