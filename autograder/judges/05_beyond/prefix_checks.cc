// Module 5, task 5.5: blocks of kept prompts, found again.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/inputs.h"
#include "autograder/judges/05_beyond/paged_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// Ids of a large vocabulary, so that other prompts do not begin alike.
Integers RandomPrompt(Random& random, std::size_t length) {
  return RandomIds(random, length, 50'000);
}

Integers Joined(Integers first, const Integers& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Integers First(const Integers& tokens, std::size_t count) {
  return {tokens.begin(), tokens.begin() + Int(count)};
}

// What is found is shared, the rest is appended, all is kept.
std::size_t Serve(PagedTrial& trial, const Integers& prompt) {
  const std::size_t sequence = trial.StartWith(prompt);
  trial.Append({{sequence, prompt.size() - trial.Len(sequence)}});
  trial.Keep(sequence, prompt);
  return sequence;
}

// --- the hash ---

std::int64_t Hash(Exam& exam, std::uint64_t parent, const Integers& tokens) {
  return exam.Get<std::int64_t>(
      exam.AskStudent("prefix.hash",
                      {std::bit_cast<std::int64_t>(parent), tokens}),
      0);
}

void ExpectDifferent(Exam& exam, std::int64_t one, std::int64_t other,
                     const std::string& about) {
  exam.Case(about);
  if (one == other) exam.Fail("both have the same hash");
}

void Hashing(Exam& exam) {
  Random& random = exam.Randomness();
  const std::uint64_t parent = std::bit_cast<std::uint64_t>(RandomSeed(random));
  Integers tokens = RandomPrompt(random, 5);
  tokens[1] = tokens[0] + 1;
  const std::int64_t hash = Hash(exam, parent, tokens);
  exam.Case("a block that is hashed twice");
  if (Hash(exam, parent, tokens) != hash) exam.Fail("its hash has changed");
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    for (unsigned bit = 0; bit < 31; ++bit) {
      Integers other = tokens;
      other[i] ^= std::int64_t{1} << bit;
      ExpectDifferent(exam, Hash(exam, parent, other), hash,
                      fmt::format("two blocks that differ in bit {} of token "
                                  "{}",
                                  bit, i));
    }
  }
  for (unsigned bit = 0; bit < 64; ++bit) {
    ExpectDifferent(
        exam, Hash(exam, parent ^ (std::uint64_t{1} << bit), tokens), hash,
        "the same tokens after blocks whose hashes differ in one bit");
  }
  Integers swapped = tokens;
  std::swap(swapped[0], swapped[1]);
  ExpectDifferent(exam, Hash(exam, parent, swapped), hash,
                  "two tokens in another order");
  ExpectDifferent(exam, Hash(exam, 0, Integers(3, 0)),
                  Hash(exam, 0, Integers(4, 0)), "three zeros and four");

  // sum of token_i * m^(P - i) is the same for {a, b} and {a + 1, b - m}.
  const std::int64_t a = Int(Between(random, 1, 1000));
  for (const std::int64_t m :
       {3, 5, 7, 31, 33, 37, 53, 131, 257, 65'599, 1'000'003, 16'777'619}) {
    ExpectDifferent(exam, Hash(exam, parent, {a, m + 7}),
                    Hash(exam, parent, {a + 1, 7}),
                    "two blocks chosen to fool a polynomial in the tokens");
  }
  // Modulo 2^64 and for every odd multiplier: Thue-Morse and its complement.
  Integers thue_morse;
  Integers complement;
  for (std::uint64_t i = 0; i < 2048; ++i) {
    thue_morse.push_back(a + std::popcount(i) % 2);
    complement.push_back(a + 1 - std::popcount(i) % 2);
  }
  ExpectDifferent(exam, Hash(exam, parent, thue_morse),
                  Hash(exam, parent, complement),
                  "two blocks chosen to fool a polynomial in the tokens");
  std::set<std::int64_t> hashes;
  for (std::int64_t token = 0; token < 1500; ++token) {
    hashes.insert(Hash(exam, 0, {token, a}));
  }
  exam.Case("1,500 blocks with other first tokens");
  CompareNumber(exam, "the number of their hashes", Int(hashes.size()), 1500);
}

// --- sharing ---

void SharingPrefixes(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialPageShape shape = RandomPageShape(random, 40);
  const std::size_t size = shape.block_size;
  const Integers prompt = RandomPrompt(random, 3 * size + 1);
  // Common tokens: none, some, blocks, one more, one less, all.
  for (const std::size_t common :
       {std::size_t{0}, size - 1, size, size + 1, 2 * size - 1, 2 * size,
        3 * size, 3 * size + 1}) {
    PagedTrial trial(exam, shape);
    Serve(trial, prompt);
    trial.Compare();
    trial.Case(fmt::format("a prompt that begins with {} of one that is kept",
                           Count(common, "token")));
    const Integers other =
        Joined(First(prompt, common), RandomPrompt(random, size + 2));
    const std::size_t sequence = trial.StartWith(other);
    trial.Compare();
    trial.Append({{sequence, other.size() - trial.Len(sequence)}});
    trial.Compare();
    trial.Case("a prompt that is kept, asked for again");
    trial.StartWith(prompt);
    trial.StartWith(First(prompt, 2 * size));
    trial.StartWith({});
    trial.Compare();
  }
  // A block is one token, all of the prompt, one more and one less.
  const std::size_t tokens = Between(random, 6, 9);
  for (const std::size_t block_size :
       {std::size_t{1}, tokens - 1, tokens, tokens + 1}) {
    TrialPageShape edge = shape;
    edge.block_size = block_size;
    PagedTrial trial(exam, edge);
    const Integers whole = RandomPrompt(random, tokens);
    Serve(trial, whole);
    trial.Case(fmt::format("a kept prompt of {}, asked for again",
                           Count(tokens, "token")));
    const std::size_t again = trial.StartWith(whole);
    trial.Compare();
    trial.Append({{again, 1}});
    trial.Compare();
  }
}

void SharingTrees(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialPageShape shape = RandomPageShape(random, 40);
  const auto block = [&] { return RandomPrompt(random, shape.block_size); };
  const Integers a = block();
  const Integers b = block();
  const Integers same = block();
  PagedTrial trial(exam, shape);
  Serve(trial, Joined(Joined(a, same), same));
  Serve(trial, Joined(b, same));
  trial.Case("equal blocks after different ones");
  trial.Compare();
  for (const Integers& prompt :
       {Joined(Joined(b, same), same), Joined(a, same), same,
        Joined(same, same), Joined(block(), same), Joined(a, b)}) {
    trial.Case("a prompt whose blocks are kept after other blocks");
    trial.StartWith(prompt);
    trial.Compare();
  }
  // Many prompts, which branch at each block.
  const std::vector<Integers> blocks = {a, b, same};
  for (std::size_t i = 0; i < 12; ++i) {
    Integers prompt;
    for (std::size_t length = Between(random, 1, 4); length > 0; --length) {
      prompt = Joined(prompt, blocks[random.NextBelow(3)]);
    }
    trial.Case("prompts that branch at each block");
    const std::size_t sequence = Serve(trial, prompt);
    trial.Compare();
    trial.Release(sequence);
  }
  trial.CompareNothingLeft();
}

void Colliding(Exam& exam) {
  Random& random = exam.Randomness();
  for (const TrialHash hash : {TrialHash::kAlwaysZero, TrialHash::kLowBytes,
                               TrialHash::kWithoutParent}) {
    const TrialPageShape shape = RandomPageShape(random, 40);
    PagedTrial trial(exam, shape, hash);
    const Integers prompt = RandomPrompt(random, 3 * shape.block_size);
    Integers low = prompt;  // other tokens with the same low bytes
    for (std::int64_t& token : low) token += 256 * Int(Between(random, 1, 9));
    Serve(trial, prompt);
    Serve(trial, low);
    trial.Case("blocks whose hashes are equal, and whose tokens are not");
    trial.Compare();
    const Integers tail(prompt.begin() + Int(shape.block_size), prompt.end());
    trial.StartWith(prompt);
    trial.StartWith(low);
    trial.StartWith(tail);
    trial.StartWith(Joined(RandomPrompt(random, shape.block_size), tail));
    trial.StartWith(Joined(First(low, shape.block_size), tail));
    trial.Compare();
    trial.CompareNothingLeft();
  }
}

void Keeping(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialPageShape shape = RandomPageShape(random, 24);
  const Integers prompt = RandomPrompt(random, 2 * shape.block_size + 1);
  {
    PagedTrial trial(exam, shape);
    const std::size_t first = Serve(trial, prompt);
    trial.Case("a kept prompt whose sequence was released");
    trial.Release(first);
    trial.Compare();
    const std::size_t other = trial.Start();
    trial.Append({{other, 22 * shape.block_size}});
    trial.Case("a kept prompt, after other sequences took all free blocks");
    trial.StartWith(prompt);
    trial.Append({{other, 1}});
    trial.Compare();
    trial.Case("a prompt that was kept and forgotten");
    trial.ForgetKept();
    trial.StartWith(prompt);
    trial.Compare();
    trial.CompareNothingLeft();
  }
  {
    PagedTrial trial(exam, shape);
    const std::size_t first = trial.StartWith(prompt);
    const std::size_t second = trial.StartWith(prompt);
    trial.Append({{first, prompt.size()}, {second, prompt.size()}});
    trial.Case("a prompt that two sequences computed, kept three times");
    trial.Keep(first, prompt);
    trial.Keep(second, prompt);
    trial.Keep(first, prompt);
    trial.Compare();
    trial.Release(first);
    trial.StartWith(prompt);
    trial.Compare();
    trial.CompareNothingLeft();
  }
  {
    // Truncated into a shared block, then written.
    PagedTrial trial(exam, shape);
    Serve(trial, prompt);
    trial.Case("a found prompt, truncated into a shared block, then written");
    const std::size_t second = trial.StartWith(prompt);
    trial.Truncate(second, shape.block_size + 1);
    trial.Append({{second, 2}});
    trial.Compare();
    trial.StartWith(prompt);
    trial.Compare();
  }
  PagedTrial trial(exam, shape);
  const std::size_t gone = Serve(trial, prompt);
  const std::size_t held = Serve(trial, prompt);
  trial.Release(gone);
  const auto refuse = [&](std::size_t sequence, const Integers& tokens,
                          const std::string& what) {
    exam.Case("");
    exam.ExpectRefusal("paged.keep", {trial.Cache(), Int(sequence), tokens},
                       what);
    trial.Case("after " + what + " was refused");
    trial.Compare();
  };
  refuse(held, First(prompt, prompt.size() - 1),
         "keeping fewer tokens than the sequence holds");
  refuse(held, Joined(prompt, RandomPrompt(random, shape.block_size)),
         "keeping more tokens than the sequence holds");
  refuse(gone, prompt, "keeping a sequence that was released");
}

void CountingTheTrie(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t block_size :
       {std::size_t{1}, Between(random, 2, 3), Between(random, 4, 5)}) {
    TrialPageShape shape = RandomPageShape(random, 1000);
    shape.block_size = block_size;
    shape.layers = 1;
    PagedTrial trial(exam, shape);
    std::set<Integers> nodes;
    std::size_t left_over = 0;
    for (std::size_t i = 0; i < 40; ++i) {
      const Integers prompt = RandomIds(random, Between(random, 1, 14), 3);
      const std::size_t sequence = Serve(trial, prompt);
      for (std::size_t end = block_size; end <= prompt.size();
           end += block_size) {
        nodes.insert(First(prompt, end));
      }
      left_over += prompt.size() % block_size;
      trial.Case("prompts over three tokens, all of them kept");
      const Values answer = exam.AskStudent("paged.state", {trial.Cache()});
      CompareNumber(exam, "tokens_appended", exam.GetIntegers(answer, 0, 3)[2],
                    Int(nodes.size() * block_size + left_over),
                    "each different run of full blocks is prefilled once");
      if (i % 3 == 0) trial.Release(sequence);
    }
    trial.Compare();
    trial.CompareNothingLeft();
  }
}

void PrefixTraces(Exam& exam) {
  Random& random = exam.Randomness();
  for (std::size_t trace = 0; trace < 24; ++trace) {
    TrialPageShape shape = RandomPageShape(random, Between(random, 2, 30));
    shape.block_size = Between(random, 1, 4);
    shape.head_dim = 2;
    PagedTrial trial(exam, shape, static_cast<TrialHash>(trace % 4));
    std::map<std::size_t, Integers> tokens;
    for (std::size_t step = 0; step < 20; ++step) {
      trial.Case(
          "prompts found, kept, forked, truncated and forgotten at "
          "random");
      const std::size_t choice = tokens.empty() ? 0 : random.NextBelow(10);
      const std::size_t any = tokens.empty() ? 0 : trial.AnySequence();
      if (choice <= 2) {
        Integers prompt = RandomIds(random, Between(random, 0, 12), 2);
        for (std::int64_t& token : prompt) token *= 256;
        const std::size_t sequence = trial.StartWith(prompt);
        const std::size_t found = trial.Len(sequence);
        if (!trial.Append({{sequence, prompt.size() - found}})) {
          prompt.resize(found);
        }
        tokens[sequence] = prompt;
      } else if (choice <= 4) {
        trial.Keep(any, tokens[any]);
      } else if (choice == 5) {
        const std::size_t fork = trial.Fork(any);
        tokens[fork] = tokens[any];
      } else if (choice == 6) {
        tokens[any].resize(Between(random, 0, tokens[any].size()));
        trial.Truncate(any, tokens[any].size());
      } else if (choice == 7) {
        trial.Release(any);
        tokens.erase(any);
      } else if (choice == 8) {
        trial.ForgetKept();
      } else if (trial.Append({{any, 2}})) {
        tokens[any] = Joined(tokens[any], {512, 0});
      }
      trial.Compare();
    }
    trial.CompareNothingLeft();
  }
}

const RegisterChecks kPrefixChecks({
    AllOrNothing("prefix.hash", {}, Hashing),
    AllOrNothing("prefix.shares", {}, SharingPrefixes),
    AllOrNothing("prefix.tree", {}, SharingTrees),
    AllOrNothing("prefix.collisions", {}, Colliding),
    AllOrNothing("prefix.keep", {}, Keeping),
    AllOrNothing("prefix.trie", {}, CountingTheTrie),
    AllOrNothing("prefix.traces", {}, PrefixTraces),
});

}  // namespace
}  // namespace kvlab::grading
