// Which of the mutants of a program is active; see schemata.py.
#ifndef KVLAB_AUTOGRADER_PROOF_MUTATE_MUTANT_H_
#define KVLAB_AUTOGRADER_PROOF_MUTATE_MUTANT_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <type_traits>
#include <utility>

namespace kvlab_mutant {

// From the environment: KVLAB_MUTANT="NUMBER [SIZE GATE]". Without it no mutant
// is active, and the number is 0.
extern std::int32_t active;
extern std::uint32_t size_index;
extern double gate;

// Whether the size that the mutant watches has reached its gate.
template <typename... Sizes>
bool Reached(const Sizes&... sizes) {
  if (gate == 0) return true;
  std::uint32_t index = 0;
  bool reached = false;
  ((reached = reached ||
              (index++ == size_index && static_cast<double>(sizes) >= gate)),
   ...);
  return reached;
}

template <typename Items>
std::size_t Size(const Items& items) {
  return static_cast<std::size_t>(
      std::distance(std::begin(items), std::end(items)));
}
template <typename T>
std::size_t Size(std::initializer_list<T> items) {
  return items.size();
}

// Another value of the same type: a number plus one, the last of many numbers
// plus one, nothing instead of an object.
template <typename T>
requires std::is_default_constructible_v<T> T Altered(T value) {
  if constexpr (std::is_same_v<T, bool>) {
    return !value;
  } else if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<T>(value + 1);
  } else if constexpr (requires { value.data()[value.size() - 1] += 1; }) {
    if (value.size() > 0) value.data()[value.size() - 1] += 1;
    return value;
  } else {
    return T{};
  }
}

}  // namespace kvlab_mutant

#endif  // KVLAB_AUTOGRADER_PROOF_MUTATE_MUTANT_H_
