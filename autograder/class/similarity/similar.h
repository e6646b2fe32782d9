// ./kvlab class similar: what it compares, writes and says.
#ifndef KVLAB_AUTOGRADER_CLASS_SIMILARITY_SIMILAR_H_
#define KVLAB_AUTOGRADER_CLASS_SIMILARITY_SIMILAR_H_

#include <filesystem>
#include <string>
#include <vector>

#include "autograder/class/course_folder.h"
#include "autograder/class/similarity/handout.h"

namespace kvlab::grading {

struct SimilarOptions {
  std::vector<std::filesystem::path> earlier;  // folders of earlier terms
  std::filesystem::path page;   // "" for similar.html in the class's folder
  std::filesystem::path tools;  // for JPlag and Dolos; "" for none
};

// One line of similar.csv, which `class report` shows.
struct SimilarRow {
  std::string one;
  std::string other;
  std::string what;  // "code" or "answers"
  double share = 0;  // of code: the larger one of the two
  std::string text;
};

// Compares, and writes the page, DIR/similar.csv and the folders. Returns what
// to print. Throws DataError as AlikePassages and AddEarlierTerm do.
std::string CompareClass(const CourseFolder& course, const Handout& handout,
                         const SimilarOptions& options);

// What the last comparison found. Empty, with `made` false, if there was none.
struct SimilarTable {
  bool made = false;
  std::vector<SimilarRow> rows;
};
SimilarTable ReadSimilarTable(const CourseFolder& course);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_SIMILARITY_SIMILAR_H_
