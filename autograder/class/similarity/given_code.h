// Cuts out of a file what the handout gave everybody.
#ifndef KVLAB_AUTOGRADER_CLASS_SIMILARITY_GIVEN_CODE_H_
#define KVLAB_AUTOGRADER_CLASS_SIMILARITY_GIVEN_CODE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace kvlab::grading {

// A file of which only its author's own tokens are left.
struct OwnCode {
  // As many lines as the file. Comments, inclusions and given tokens are
  // blank, and so is any byte that is not printable ASCII.
  std::string text;
  std::vector<bool> own;  // by line: whether it has a token of its own

  std::size_t OwnLines() const;
};

// Every sequence of kWindow tokens in the handout's files. A token of a
// submission is given if it is part of one of them, wherever it was moved and
// however it is laid out.
class GivenCode {
 public:
  // Shorter sequences are idioms of the language.
  static constexpr std::size_t kWindow = 10;

  // Adds a file of the handout: C++, or a page with pieces of it.
  void Add(std::string_view text);

  OwnCode Without(std::string_view text) const;

 private:
  std::unordered_set<std::uint64_t> windows_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_SIMILARITY_GIVEN_CODE_H_
