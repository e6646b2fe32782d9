#include "modules/05_beyond/forgetful_model.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace kvlab {
namespace {

// One head's tokens of one row.
struct PlainHead {
  const PlainTokens& tokens;
  std::size_t b = 0;
  std::size_t kv_head = 0;
  std::size_t pad = 0;

  // The features of a query, key or value.
  std::span<const float> Of(std::span<const float> all, std::size_t head,
                            std::size_t row) const {
    const std::size_t heads =
        all.size() / (tokens.batch * tokens.tokens * tokens.head_dim);
    const std::size_t at = (b * heads + head) * tokens.tokens + pad + row;
    return all.subspan(at * tokens.head_dim, tokens.head_dim);
  }
};

double Score(std::span<const float> query, std::span<const float> key) {
  double sum = 0;
  for (std::size_t d = 0; d < query.size(); ++d) {
    sum += double{query[d]} * double{key[d]};
  }
  return sum / std::sqrt(static_cast<double>(query.size()));
}

// The probabilities that the query gives to the tokens held.
std::vector<double> Probabilities(const PlainHead& head,
                                  std::span<const float> query,
                                  const std::vector<PlainHeld>& held) {
  std::vector<double> weights;
  double max = -std::numeric_limits<double>::infinity();
  for (const PlainHeld& token : held) {
    weights.push_back(
        Score(query, head.Of(head.tokens.keys, head.kv_head, token.position)));
    max = std::max(max, weights.back());
  }
  double sum = 0;
  for (double& weight : weights) {
    weight = std::exp(weight - max);
    sum += weight;
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

}  // namespace

PlainRun RunForgetful(const PlainTokens& tokens, const ForgetRule& forget) {
  PlainRun run = {.attended = std::vector<float>(tokens.queries.size(), 0.0F),
                  .held = {}};
  const std::size_t group = tokens.heads / tokens.kv_heads;
  for (std::size_t b = 0; b < tokens.batch; ++b) {
    const std::size_t pad = tokens.left_pad.empty() ? 0 : tokens.left_pad[b];
    for (std::size_t g = 0; g < tokens.kv_heads; ++g) {
      const PlainHead head = {tokens, b, g, pad};
      std::vector<PlainHeld>& held = run.held.emplace_back();
      for (std::size_t p = 0; p + pad < tokens.tokens; ++p) {
        forget(held, p);
        held.push_back({.position = p});
        std::vector<double> given(held.size(), 0);
        for (std::size_t h = g * group; h < (g + 1) * group; ++h) {
          const std::vector<double> weights =
              Probabilities(head, head.Of(tokens.queries, h, p), held);
          const std::size_t to =
              ((b * tokens.heads + h) * tokens.tokens + pad + p) *
              tokens.head_dim;
          for (std::size_t d = 0; d < tokens.head_dim; ++d) {
            double sum = 0;
            for (std::size_t i = 0; i < held.size(); ++i) {
              sum += weights[i] *
                     double{head.Of(tokens.values, g, held[i].position)[d]};
            }
            run.attended[to + d] = static_cast<float>(sum);
          }
          for (std::size_t i = 0; i < held.size(); ++i) given[i] += weights[i];
        }
        for (std::size_t i = 0; i < held.size(); ++i) {
          held[i].probability += given[i];
        }
      }
    }
  }
  return run;
}

ForgetRule WindowRule(const PlainWindow& window) {
  return [=](std::vector<PlainHeld>& held, std::size_t position) {
    std::erase_if(held, [&](const PlainHeld& token) {
      return token.position >= window.sinks &&
             token.position + window.newest <= position;
    });
  };
}

ForgetRule EvictionRule(const PlainBudget& budget, double* smallest_gap) {
  return [=](std::vector<PlainHeld>& held, std::size_t /*position*/) {
    if (held.size() < budget.tokens) return;
    // `held` is in the order of positions.
    std::vector<PlainHeld> may_go(
        held.begin(),
        held.end() - static_cast<std::ptrdiff_t>(budget.newest - 1));
    std::ranges::stable_sort(may_go, {}, &PlainHeld::probability);
    const double least = may_go.front().probability;
    std::size_t last = 0;
    while (last + 1 < may_go.size() && may_go[last + 1].probability == least) {
      ++last;
    }
    if (smallest_gap != nullptr && last + 1 < may_go.size()) {
      *smallest_gap =
          std::min(*smallest_gap, may_go[last + 1].probability - least);
    }
    std::erase_if(held, [&](const PlainHeld& token) {
      return token.position == may_go[last].position;
    });
  };
}

}  // namespace kvlab
