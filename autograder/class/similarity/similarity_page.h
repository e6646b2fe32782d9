// Pairs of submissions side by side, in one self-contained page.
#ifndef KVLAB_AUTOGRADER_CLASS_SIMILARITY_SIMILARITY_PAGE_H_
#define KVLAB_AUTOGRADER_CLASS_SIMILARITY_SIMILARITY_PAGE_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "autograder/class/similarity/alike_answers.h"
#include "autograder/class/similarity/alike_pairs.h"

namespace kvlab::grading {

// More pairs than this are only counted.
inline constexpr std::size_t kMostPairsShown = 100;

struct SimilarityFindings {
  std::string course;
  std::span<const Author> authors;
  AlikeCode code;
  std::vector<AlikeAnswers> answers;
  std::vector<std::string> unread;
};

std::string SimilarityPage(const SimilarityFindings& found);

// "85 % of ann's own code and 80 % of bob's": the shares of a pair.
std::string PairText(const AlikePair& pair, std::span<const Author> authors);

// "answered under one id", or how many answers are the same although asked
// otherwise.
std::string AnswersText(const AlikeAnswers& answers);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_SIMILARITY_SIMILARITY_PAGE_H_
