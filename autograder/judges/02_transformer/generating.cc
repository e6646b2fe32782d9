#include "autograder/judges/02_transformer/generating.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "autograder/exam/arguments.h"

namespace kvlab::grading {
namespace {

struct CutShort {};

}  // namespace

Values RunGeneration(GenerateFunction generate, ObjectStore& objects,
                     const Values& values) {
  Arguments arguments(values);
  Gpt2& model = objects.Get<Gpt2>(arguments.Next<Handle>());
  const TokenBatch prompt = arguments.NextTokenBatch();
  GenerateOptions options;
  options.new_tokens = arguments.NextSize();
  options.sampling.temperature = arguments.NextFloat();
  options.sampling.top_k = arguments.NextSize();
  options.seed = static_cast<std::uint64_t>(arguments.Next<std::int64_t>());
  std::optional<std::size_t> break_at;
  if (!arguments.Done()) break_at = arguments.NextSize();

  std::size_t step = 0;
  Integers handed_on;
  options.on_tokens = [&](std::span<const TokenId> tokens) {
    if (step++ == break_at) throw CutShort();
    for (const TokenId token : tokens) handed_on.push_back(token);
  };
  try {
    const Tokens generated = generate(model, prompt, options);
    return {ToIntegers(generated), handed_on, std::int64_t{0}};
  } catch (const CutShort&) {
    return {Integers(), handed_on, std::int64_t{1}};
  }
}

}  // namespace kvlab::grading
