// Thousands of damaged checkpoints, drawn at random from a seed: each either
// loads or throws DataError. Run it with --config=sanitize too: that build
// notices a byte read or written outside its object.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/model/checkpoint.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/testing/checkpoint_testing.h"
#include "kit/testing/weights_testing.h"

namespace kvlab {
namespace {

constexpr std::uint64_t kSeed = 20240917;
constexpr int kTrials = 1000;  // per kind of damage

enum class Outcome { kLoaded, kRefused };

Outcome TryToLoad(const std::filesystem::path& folder) {
  try {
    const Checkpoint checkpoint = LoadCheckpoint(folder);
    TouchEverything(*checkpoint.weights);
    checkpoint.tokenizer.Decode(checkpoint.tokenizer.Encode("abcab"));
    return Outcome::kLoaded;
  } catch (const DataError&) {
    return Outcome::kRefused;
  }
}

// Changes, removes, repeats or inserts a few bytes.
void ScrambleBytes(Random& random, std::string& text) {
  for (std::size_t n = 1 + random.NextBelow(3); n > 0 && !text.empty(); --n) {
    const std::size_t at = random.NextBelow(text.size());
    const std::size_t count = 1 + random.NextBelow(8);
    switch (random.NextBelow(4)) {
      case 0:
        text[at] = static_cast<char>(random.NextBelow(256));
        break;
      case 1:
        text.erase(at, count);
        break;
      case 2:
        text.insert(at, text.substr(at, count));
        break;
      default:
        text.insert(at, 1, "{}[]\",:0-e"[random.NextBelow(10)]);
    }
  }
}

// Replaces a number with one that is easily mishandled.
void ScrambleNumber(Random& random, std::string& text) {
  constexpr std::array<std::string_view, 14> kNumbers = {
      "0",          "1",
      "-1",         "3",
      "2147483647", "4294967296",
      "1e3",        "0.5",
      "null",       "9223372036854775807",
      "[]",         "18446744073709551615",
      "1e999",      "18446744073709551616"};
  constexpr std::string_view kDigits = "0123456789";
  const std::size_t from = random.NextBelow(text.size());
  const std::size_t begin = text.find_first_of(kDigits, from);
  if (begin == std::string::npos) return;
  const std::size_t end = text.find_first_not_of(kDigits, begin);
  text.replace(begin, end - begin, kNumbers[random.NextBelow(kNumbers.size())]);
}

void Scramble(Random& random, std::string& text) {
  if (random.NextBelow(2) == 0) {
    ScrambleBytes(random, text);
  } else {
    ScrambleNumber(random, text);
  }
}

class CheckpointMutationTest : public ::testing::Test {
 protected:
  // `damage` writes one damaged file into the folder.
  template <typename DamageFile>
  void Run(const DamageFile& damage) {
    Random random(kSeed);
    int refused = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      damage(random);
      SCOPED_TRACE("seed " + std::to_string(kSeed) + ", trial " +
                   std::to_string(trial));
      ASSERT_NO_THROW(refused += TryToLoad(folder_) == Outcome::kRefused);
    }
    EXPECT_GT(refused, kTrials / 4) << "the damage is too gentle";
  }

  const TinyCheckpoint good_{"F16", "transformer."};
  const std::filesystem::path folder_ = good_.Write();
};

TEST_F(CheckpointMutationTest, Header) {
  Run([&](Random& random) {
    std::string header = good_.header.dump();
    Scramble(random, header);
    WriteFile(folder_ / "model.safetensors",
              SafetensorsBytes(header, good_.data));
  });
}

// The length too, the end of the file, and everything between.
TEST_F(CheckpointMutationTest, WholeFile) {
  Run([&](Random& random) {
    std::string bytes = good_.Safetensors();
    switch (random.NextBelow(3)) {
      case 0:
        bytes.resize(random.NextBelow(bytes.size()));
        break;
      case 1: {
        const std::uint64_t length = ~std::uint64_t{0} >> random.NextBelow(64);
        std::memcpy(bytes.data(), &length, sizeof(length));
        break;
      }
      default:
        ScrambleBytes(random, bytes);
    }
    WriteFile(folder_ / "model.safetensors", bytes);
  });
}

TEST_F(CheckpointMutationTest, Config) {
  Run([&](Random& random) {
    std::string config = good_.config.dump();
    Scramble(random, config);
    WriteFile(folder_ / "config.json", config);
  });
}

TEST_F(CheckpointMutationTest, Vocabulary) {
  Run([&](Random& random) {
    std::string vocab = good_.vocab_json;
    Scramble(random, vocab);
    WriteFile(folder_ / "vocab.json", vocab);
  });
}

TEST_F(CheckpointMutationTest, Merges) {
  Run([&](Random& random) {
    std::string merges = good_.merges_txt;
    ScrambleBytes(random, merges);
    WriteFile(folder_ / "merges.txt", merges);
  });
}

}  // namespace
}  // namespace kvlab
