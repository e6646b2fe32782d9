// Module 5, task 5.5: blocks of kept prompts, found again.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
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

  // The parent of a first block is 0: no block may pass for nothing.
  for (const std::size_t zeros : {1, 2, 3, 4, 8, 16}) {
    const std::int64_t after = Hash(exam, 0, Integers(zeros, 0));
    ExpectDifferent(
        exam, Hash(exam, std::bit_cast<std::uint64_t>(after), tokens),
        Hash(exam, 0, tokens),
        "the same tokens after a block of zeros, and after no block");
  }
  // Many parents: among so many, a hash of which 32 bits depend on the parent
  // has several pairs, and one of 64 bits has none.
  for (const auto& [length, parents] :
       std::vector<std::pair<std::size_t, std::size_t>>{
           {1, 300'000}, {2, 1'000}, {70, 1'000}, {260, 200'000}}) {
    exam.Case(fmt::format("{} of {} each, after others with different hashes",
                          Count(parents, "block"),
                          Count(length, "equal token")));
    const Values answer = exam.AskStudent(
        "prefix.hashes", {Int(parents), Integers(length, tokens[0])});
    Integers hashes = exam.GetIntegers(answer, 0, parents);
    std::ranges::sort(hashes);
    if (std::ranges::adjacent_find(hashes) != hashes.end()) {
      exam.Fail("two of them have the same hash");
    }
  }
  // Every token of a long block counts, and how many there are.
  const Integers many(300, tokens[0]);
  std::set<std::int64_t> of_many = {Hash(exam, parent, many)};
  for (std::size_t i = 0; i < many.size(); ++i) {
    Integers other = many;
    ++other[i];
    of_many.insert(Hash(exam, parent, other));
    of_many.insert(Hash(exam, parent, First(many, i)));
  }
  exam.Case("601 blocks of up to 300 tokens");
  CompareNumber(exam, "the number of their hashes", Int(of_many.size()), 601);

  // sum of token_i * m^(P - i) is the same for {a, b} and {a + 1, b - m}.
  const std::int64_t a = Int(Between(random, 1, 1000));
  for (const std::int64_t m :
       {3, 5, 7, 31, 33, 37, 53, 131, 257, 65'599, 1'000'003, 16'777'619}) {
    ExpectDifferent(exam, Hash(exam, parent, {a, m + 7}),
                    Hash(exam, parent, {a + 1, 7}),
                    "two blocks chosen to fool a polynomial in the tokens");
  }
  // Modulo 2^64 and for every odd multiplier: Thue-Morse and its complement.
  for (const std::int64_t from :
       {std::int64_t{2}, std::int64_t{3}, 2 * a, 2 * a + 1}) {
    Integers thue_morse;
    Integers complement;
    for (std::uint64_t i = 0; i < 2048; ++i) {
      thue_morse.push_back(from + std::popcount(i) % 2);
      complement.push_back(from + 1 - std::popcount(i) % 2);
    }
    for (const std::uint64_t before : {parent, std::uint64_t{0}}) {
      ExpectDifferent(exam, Hash(exam, before, thue_morse),
                      Hash(exam, before, complement),
                      "two blocks chosen to fool a polynomial in the tokens");
    }
  }
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

// Hundreds of kept prompts, each found again.
void KeepingHundreds(Exam& exam) {
  Random& random = exam.Randomness();
  for (const TrialHash hash : {TrialHash::kOwn, TrialHash::kLowBytes}) {
    PagedTrial trial(exam,
                     {.num_blocks = 1400,
                      .block_size = 2,
                      .layers = 1,
                      .heads = 1,
                      .head_dim = 1},
                     hash);
    std::vector<Integers> prompts;
    for (std::size_t i = 0; i < 300; ++i) {
      prompts.push_back(RandomPrompt(random, 4));
      trial.Release(Serve(trial, prompts.back()));
    }
    trial.Case("300 kept prompts, each of them asked for again");
    for (const Integers& prompt : prompts) trial.StartWith(prompt);
    trial.StartWith(Joined(First(prompts[0], 2), First(prompts[1], 2)));
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
  KeepingHundreds(exam);
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

// Calls at random, each followed by a comparison. Prompts have up to `longest`
// tokens, and many begin as an earlier one.
void RandomCalls(Exam& exam, PagedTrial& trial, std::size_t longest) {
  Random& random = exam.Randomness();
  std::map<std::size_t, Integers> tokens;
  std::vector<Integers> earlier = {{}};
  const auto any = [&] {
    return std::next(tokens.begin(), Int(random.NextBelow(tokens.size())));
  };
  for (std::size_t step = 0; step < 20; ++step) {
    trial.Case(
        "prompts found, kept, forked, truncated and forgotten at random");
    const std::size_t choice = tokens.empty() ? 0 : random.NextBelow(10);
    if (choice <= 2) {
      const Integers& before = earlier[random.NextBelow(earlier.size())];
      Integers more = RandomIds(random, Between(random, 0, longest), 2);
      for (std::int64_t& token : more) token *= 256;
      Integers prompt =
          Joined(First(before, Between(random, 0, before.size())), more);
      prompt.resize(std::min(prompt.size(), longest));
      const std::size_t sequence = trial.StartWith(prompt);
      const std::size_t found = trial.Len(sequence);
      if (!trial.Append({{sequence, prompt.size() - found}})) {
        prompt.resize(found);
      }
      tokens[sequence] = prompt;
      earlier.push_back(prompt);
    } else if (choice == 8) {
      trial.ForgetKept();
    } else {
      const auto& [sequence, held] = *any();
      if (choice <= 4) {
        trial.Keep(sequence, held);
      } else if (choice == 5) {
        const std::size_t fork = trial.Fork(sequence);
        tokens[fork] = Integers(held);
      } else if (choice == 6) {
        const std::size_t kept = Between(random, 0, held.size());
        trial.Truncate(sequence, kept);
        tokens[sequence].resize(kept);
      } else if (choice == 7) {
        trial.Release(sequence);
        tokens.erase(std::size_t{sequence});
      } else if (trial.Append({{sequence, 2}})) {
        tokens[sequence] = Joined(held, {512, 0});
      }
    }
    trial.Compare();
  }
}

void PrefixTraces(Exam& exam) {
  Random& random = exam.Randomness();
  for (std::size_t trace = 0; trace < 24; ++trace) {
    TrialPageShape shape = RandomPageShape(random, Between(random, 2, 30));
    shape.block_size = Between(random, 1, 4);
    shape.head_dim = 2;
    PagedTrial trial(exam, shape, static_cast<TrialHash>(trace % 4));
    RandomCalls(exam, trial, 12);
    trial.CompareNothingLeft();
  }
  // Prompts of hundreds of tokens and blocks, in a cache that has had hundreds
  // of sequences and copies.
  for (const std::size_t block_size :
       {std::size_t{2}, Between(random, 65, 75), Between(random, 260, 300)}) {
    PagedTrial trial(exam, {.num_blocks = block_size == 2 ? 1500U : 290U,
                            .block_size = block_size,
                            .layers = 1,
                            .heads = 1,
                            .head_dim = 1});
    const std::size_t first = trial.Start();
    trial.Append({{first, 1}});
    std::vector<TrialRow> samples;
    while (samples.size() < 260) samples.push_back({trial.Fork(first), 1});
    trial.Append(samples);
    trial.Compare();
    // Those that stay hold the blocks with small numbers.
    const Integers prompt = RandomPrompt(random, 400 + 2 * block_size);
    trial.Case("a prompt of hundreds of tokens, and one that leaves it late");
    Serve(trial, prompt);
    Serve(trial, Joined(First(prompt, 390 + block_size), prompt));
    Serve(trial, Joined(First(prompt, 390), RandomPrompt(random, 300)));
    trial.StartWith(prompt);
    trial.StartWith(First(prompt, prompt.size() - 1));
    trial.StartWith(RandomPrompt(random, 300));
    trial.Compare();
    RandomCalls(exam, trial, 400 + 2 * block_size);
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
