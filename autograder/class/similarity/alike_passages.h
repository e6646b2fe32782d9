// Passages that several texts have alike, found by sim_c++ of Debian's
// similarity-tester: equal but for layout, names, numbers and strings.
// Source: D. Grune and M. Huntjens, "Het detecteren van kopieën bij
// informatica-practica", Informatie 31 (1989); sim(1).
#ifndef KVLAB_AUTOGRADER_CLASS_SIMILARITY_ALIKE_PASSAGES_H_
#define KVLAB_AUTOGRADER_CLASS_SIMILARITY_ALIKE_PASSAGES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kvlab::grading {

struct Lines {
  std::uint32_t first = 0;  // from 1
  std::uint32_t last = 0;   // this one too
};

struct AlikePassage {
  std::uint32_t one = 0;  // which texts
  std::uint32_t other = 0;
  Lines in_one;
  Lines in_other;
};

// Every two texts are compared, except two of the `old`, the last ones.
// Passages of two texts that differ, of 30 tokens at least. Throws DataError if
// sim_c++ is missing or fails. Cost grows with the square of the texts' number:
// see docs/class.md.
std::vector<AlikePassage> AlikePassages(std::span<const std::string> texts,
                                        std::size_t old);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_SIMILARITY_ALIKE_PASSAGES_H_
