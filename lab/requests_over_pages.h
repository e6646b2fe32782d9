// What pages waste and share over a trace of requests, as results.json has it.
#ifndef KVLAB_LAB_REQUESTS_OVER_PAGES_H_
#define KVLAB_LAB_REQUESTS_OVER_PAGES_H_

#include <cstdint>

#include "modules/02_transformer/gpt2.h"
#include "nlohmann/json.hpp"

namespace kvlab {

// Requests begin with one of a few common prompts, go on with a question of
// their own, are answered, and stay. After each: the slots that a reservation
// of the whole context takes, those of pages, those of pages with shared
// prefixes, and the tokens themselves. Lengths and tokens are random, drawn
// from `seed`. Throws NotImplemented while module 5 lacks a paged cache.
nlohmann::ordered_json RequestsOverPages(const Gpt2Config& config,
                                         std::uint64_t seed);

}  // namespace kvlab

#endif  // KVLAB_LAB_REQUESTS_OVER_PAGES_H_
