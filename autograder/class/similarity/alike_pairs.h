// Pairs of submissions whose code is alike beyond what the handout gave, and
// beyond what many people wrote.
#ifndef KVLAB_AUTOGRADER_CLASS_SIMILARITY_ALIKE_PAIRS_H_
#define KVLAB_AUTOGRADER_CLASS_SIMILARITY_ALIKE_PAIRS_H_

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "autograder/class/similarity/alike_passages.h"
#include "autograder/class/similarity/given_code.h"

namespace kvlab::grading {

// A submission's files, by their names in the course.
struct Author {
  std::string name;  // an id of the roster, or of an earlier term
  bool is_earlier = false;
  std::map<std::string, std::string> sources;  // C++
  std::map<std::string, std::string> papers;   // answers.json
};

// A passage in one file of each.
struct SharedPassage {
  std::string file_of_one;
  std::string file_of_other;
  Lines in_one;  // of the file
  Lines in_other;
};

struct AlikePair {
  std::size_t one = 0;  // which authors, `one` never an earlier term's
  std::size_t other = 0;
  // Own lines that are alike, and the share of all own lines.
  std::size_t lines_of_one = 0;
  std::size_t lines_of_other = 0;
  double share_of_one = 0;
  double share_of_other = 0;
  std::vector<SharedPassage> passages;  // longest first

  double Share() const;  // the larger one
};

// The own code of each author, as it was compared.
struct AlikeCode {
  std::vector<std::map<std::string, OwnCode>> own;  // by author, then file
  std::vector<AlikePair> pairs;                     // the most alike first
  std::size_t most_common = 0;                      // see MostCommon
};

// A line does not count if passages with more other people cover it: it is then
// what the task suggests. Three, a fifth of the authors up to ten, or one in
// twenty: whichever is most.
std::size_t MostCommon(std::size_t authors);

// A pair is listed with at least this much alike.
inline constexpr std::size_t kLeastLines = 10;
inline constexpr double kLeastShare = 0.25;

// Authors of earlier terms must be the last, and are not compared with each
// other. Throws DataError as AlikePassages does.
AlikeCode FindAlikeCode(std::span<const Author> authors,
                        const GivenCode& given);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_SIMILARITY_ALIKE_PAIRS_H_
