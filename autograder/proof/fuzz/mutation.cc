#include "autograder/proof/fuzz/mutation.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace kvlab::grading {
namespace {

constexpr std::array<std::uint64_t, 9> kNumbers = {0,
                                                   1,
                                                   255,
                                                   65535,
                                                   0x7FFFFFFF,
                                                   0xFFFFFFFF,
                                                   0x100000000,
                                                   0x7FFFFFFFFFFFFFFF,
                                                   0xFFFFFFFFFFFFFFFF};

void ChangeOnce(std::mt19937& random, std::vector<std::uint8_t>& bytes) {
  if (bytes.empty()) {
    bytes.push_back(static_cast<std::uint8_t>(random()));
    return;
  }
  const std::size_t at = random() % bytes.size();
  const std::size_t count =
      std::min<std::size_t>(1 + random() % 16, bytes.size() - at);
  const auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  switch (random() % 6) {
    case 0:
      bytes[at] = static_cast<std::uint8_t>(random());
      break;
    case 1:  // counts are small
      bytes[at] = static_cast<std::uint8_t>(random() % 8);
      break;
    case 2:
      bytes.erase(here, here + static_cast<std::ptrdiff_t>(count));
      break;
    case 3: {
      const std::vector<std::uint8_t> copy(
          here, here + static_cast<std::ptrdiff_t>(count));
      bytes.insert(here, copy.begin(), copy.end());
      break;
    }
    case 4: {
      const std::uint64_t number = kNumbers[random() % kNumbers.size()];
      std::memcpy(bytes.data() + at, &number,
                  std::min(sizeof(number), bytes.size() - at));
      break;
    }
    default:
      bytes.resize(at);
  }
}

}  // namespace

void Mutate(std::mt19937& random, std::vector<std::uint8_t>& bytes) {
  for (std::size_t n = 1 + random() % 4; n > 0; --n) ChangeOnce(random, bytes);
}

}  // namespace kvlab::grading
