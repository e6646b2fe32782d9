// Numbers and their nouns.
#ifndef KVLAB_AUTOGRADER_MACHINE_TEXT_COUNT_H_
#define KVLAB_AUTOGRADER_MACHINE_TEXT_COUNT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace kvlab::grading {

// A number with its noun, given in the singular: "1 token", "3 tokens",
// "2 entries", "0 batches", "2 key/value heads".
std::string Count(std::size_t count, std::string_view noun);

// The plural of a noun, or of several words whose last is one.
std::string Plural(std::string_view noun);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_TEXT_COUNT_H_
