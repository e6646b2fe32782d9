// Generate and GenerateCached with the same arguments.
#ifndef KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_GENERATING_H_
#define KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_GENERATING_H_

#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"

namespace kvlab::grading {

using GenerateFunction = Tokens (*)(Gpt2& model, const TokenBatch& prompt,
                                    const GenerateOptions& options);

// (model, ids, batch, left_pad, new_tokens, temperature, top_k, seed
//  [, break_at]) -> [B * new_tokens] tokens returned, tokens handed to
// on_tokens step by step, 1 if break_at cut it short.
// With break_at, on_tokens throws at that step, counted from 0.
Values RunGeneration(GenerateFunction generate, ObjectStore& objects,
                     const Values& values);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_GENERATING_H_
