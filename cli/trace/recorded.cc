#include "cli/trace/recorded.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/trace/uncached.h"
#include "fmt/format.h"
#include "kit/error.h"
#include "kit/model/random.h"
#include "modules/02_transformer/gpt2.h"

namespace kvlab {
namespace {

// The tensors of a layer, in the order in which they are computed.
constexpr std::array<std::string_view, 6> kTensors = {
    "input x", "queries", "keys", "values", "attended", "output of attention"};

Digest ModelDigest(const Gpt2Weights& weights) {
  std::vector<float> row(weights.config.d_model);
  weights.wte.CopyOutputRow(0, row);
  Digest digest = DigestOf(row);
  const Tensor1& bias = weights.blocks.back().attn.c_proj.bias;
  for (const float number : DigestOf({bias.data(), bias.size()})) {
    digest.push_back(number);
  }
  return digest;
}

std::size_t HeadsOf(std::string_view tensor, const LayerNumbers& layer) {
  return tensor == kTensors.front() || tensor == kTensors.back()
             ? 1
             : layer.queries.shape(1);
}

std::span<const float> RowIn(std::string_view tensor, const LayerNumbers& layer,
                             const Place& place) {
  const std::size_t b = *place.row;
  const std::size_t t = *place.position;
  const std::size_t h = place.head.value_or(0);
  if (tensor == kTensors[0]) return RowOf(layer.x, b, t);
  if (tensor == kTensors[1]) return RowOf(layer.queries, b, h, t);
  if (tensor == kTensors[2]) return RowOf(layer.keys, b, h, t);
  if (tensor == kTensors[3]) return RowOf(layer.values, b, h, t);
  if (tensor == kTensors[4]) return RowOf(layer.attended, b, h, t);
  return RowOf(layer.output, b, t);
}

// [row][position][head] = digest; null for padding.
nlohmann::json TensorJson(
    const RunNumbers& run, std::size_t heads,
    const std::function<std::span<const float>(const Place& place)>& row_at) {
  nlohmann::json rows = nlohmann::json::array();
  for (std::size_t b = 0; b < run.tokens.ids.shape(0); ++b) {
    nlohmann::json positions = nlohmann::json::array();
    for (std::size_t t = 0; t < run.tokens.ids.shape(1); ++t) {
      nlohmann::json digests = nlohmann::json::array();
      for (std::size_t h = 0; t >= run.LeftPad(b) && h < heads; ++h) {
        nlohmann::json digest = nlohmann::json::array();
        for (const float number :
             DigestOf(row_at({.row = b, .position = t, .head = h}))) {
          // Six digits: a tenth of what kTolerance accepts, and less to ship.
          digest.push_back(std::stod(fmt::format("{:.6g}", number)));
        }
        digests.push_back(std::move(digest));
      }
      positions.push_back(std::move(digests));
    }
    rows.push_back(std::move(positions));
  }
  return rows;
}

// The largest number of a recorded tensor.
float ScaleOf(const nlohmann::json& rows) {
  float scale = 0;
  for (const auto& row : rows) {
    for (const auto& position : row) {
      for (const auto& digest : position) {
        scale = std::max(scale, Largest(digest.get<Digest>()));
      }
    }
  }
  return scale;
}

// Digests have six digits, and their sums are of numbers that round.
bool SameDigest(std::span<const float> seen, std::span<const float> right,
                float scale) {
  constexpr float kMargin = 4;
  return Agree(seen, right, kMargin * scale);
}

struct Part {
  std::string_view name;
  const nlohmann::json& rows;
  std::optional<std::size_t> layer = {};
  bool has_heads = false;
};

std::optional<Place> FirstDifferent(
    const Part& part, Watched& watched,
    const std::function<std::span<const float>(const Place&)>& row_at) {
  const float scale = ScaleOf(part.rows);
  for (std::size_t t = 0; t < part.rows.at(0).size(); ++t) {
    for (std::size_t b = 0; b < part.rows.size(); ++b) {
      const nlohmann::json& heads = part.rows.at(b).at(t);
      for (std::size_t h = 0; h < heads.size(); ++h) {
        Place place = {.layer = part.layer, .row = b, .position = t, .head = h};
        if (!SameDigest(DigestOf(row_at(place)), heads.at(h).get<Digest>(),
                        scale)) {
          if (!part.has_heads) place.head.reset();
          return place;
        }
        ++watched.compared;
      }
    }
  }
  return std::nullopt;
}

std::string Means(std::string_view tensor, std::size_t layer) {
  if (tensor == kTensors[0]) {
    if (layer == 0) {
      return "the embedding (2.5) or the first norm (2.1): nothing else comes "
             "before.";
    }
    return fmt::format(
        "the attention of layer {} agrees, so the rest of its block differs: "
        "the residual (2.4), the second norm, the MLP (2.2, 2.3).",
        layer - 1);
  }
  if (tensor == kTensors[4]) {
    return "the softmax (1.1) or the attention (1.3): scale, mask, padding, or "
           "which head reads which.";
  }
  if (tensor == kTensors[5]) {
    return "heads that are merged in another order (1.2), or the output "
           "projection (1.4).";
  }
  return "the split into heads (1.2), or which third of the product is which, "
         "and its bias (1.4).";
}

// The position at which the student's own model would give what was recorded.
std::optional<std::size_t> RightAt(
    const std::shared_ptr<const Gpt2Weights>& weights, TokenId token,
    const Digest& recorded) {
  return PositionUsed(weights, token, [&](const Tensor3& x) {
    return SameDigest(DigestOf(RowOf(x, 0, 0)), recorded, Largest(recorded));
  });
}

// What the page shows of the recorded side: the digests.
nlohmann::json CellsOf(
    const nlohmann::json& rows, std::size_t row,
    const std::function<std::span<const float>(const Place& place)>& row_at) {
  const float scale = ScaleOf(rows);
  const nlohmann::json& positions = rows.at(row);
  std::size_t heads = 1;
  for (const auto& position : positions) {
    heads = std::max(heads, position.size());
  }
  nlohmann::json cells = nlohmann::json::array();
  for (std::size_t h = 0; h < heads; ++h) {
    nlohmann::json line = nlohmann::json::array();
    for (std::size_t t = 0; t < positions.size(); ++t) {
      if (positions.at(t).empty()) {
        line.push_back({{"state", "padding"},
                        {"seen", nlohmann::json::array()},
                        {"right", nlohmann::json::array()}});
        continue;
      }
      const Digest right = positions.at(t).at(h).get<Digest>();
      const Digest seen =
          DigestOf(row_at({.row = row, .position = t, .head = h}));
      line.push_back(
          {{"state", SameDigest(seen, right, scale) ? "agrees" : "differs"},
           {"seen", seen},
           {"right", right}});
    }
    cells.push_back(std::move(line));
  }
  return cells;
}

nlohmann::json RecordedTable(const RecordedRun& recorded, const RunNumbers& run,
                             const Finding& finding) {
  const std::size_t row = finding.place.row.value_or(0);
  nlohmann::json tensors = nlohmann::json::array();
  for (const std::string_view name : kTensors) {
    nlohmann::json layers = nlohmann::json::array();
    for (std::size_t l = 0; l < run.layers.size(); ++l) {
      layers.push_back(CellsOf(recorded.layers.at(l).at(std::string(name)), row,
                               [&](const Place& place) {
                                 return RowIn(name, run.layers[l], place);
                               }));
    }
    tensors.push_back(
        {{"name", name}, {"heads", layers.at(0).size()}, {"cells", layers}});
  }
  nlohmann::json ids = nlohmann::json::array();
  for (std::size_t t = 0; t < run.tokens.ids.shape(1); ++t) {
    ids.push_back(run.tokens.ids(row, t));
  }
  return {{"row", row},        {"left_pad", run.LeftPad(row)},
          {"first", 0},        {"positions", run.tokens.ids.shape(1)},
          {"ids", ids},        {"layers", run.layers.size()},
          {"tensors", tensors}};
}

}  // namespace

Digest DigestOf(std::span<const float> row) {
  Digest digest;
  for (std::size_t i = 0; i < std::min<std::size_t>(2, row.size()); ++i) {
    digest.push_back(row[i]);
  }
  // The same signs for every row of this length.
  Random random(row.size());
  double sum = 0;
  for (const float number : row) {
    sum += random.NextBelow(2) == 0 ? number : -number;
  }
  digest.push_back(static_cast<float>(
      sum /
      std::sqrt(static_cast<double>(std::max<std::size_t>(row.size(), 1)))));
  return digest;
}

bool RecordedRun::Fits(const Gpt2Weights& weights) const {
  return SameDigest(ModelDigest(weights), model, Largest(model)) &&
         layers.size() == weights.config.num_layers;
}

nlohmann::json RecordingOf(const Gpt2Weights& weights, const RunNumbers& run) {
  nlohmann::json ids = nlohmann::json::array();
  for (std::size_t b = 0; b < run.tokens.ids.shape(0); ++b) {
    nlohmann::json row = nlohmann::json::array();
    for (std::size_t t = 0; t < run.tokens.ids.shape(1); ++t) {
      row.push_back(run.tokens.ids(b, t));
    }
    ids.push_back(std::move(row));
  }
  nlohmann::json layers = nlohmann::json::array();
  for (const LayerNumbers& layer : run.layers) {
    nlohmann::json tensors;
    for (const std::string_view name : kTensors) {
      tensors[std::string(name)] = TensorJson(
          run, HeadsOf(name, layer),
          [&](const Place& place) { return RowIn(name, layer, place); });
    }
    layers.push_back(std::move(tensors));
  }
  return {{"format", "kvlab trace recording"},
          {"model", ModelDigest(weights)},
          {"ids", ids},
          {"left_pad", run.tokens.left_pad},
          {"layers", layers},
          {"logits", TensorJson(run, 1, [&](const Place& place) {
             return RowOf(run.logits, *place.row, *place.position);
           })}};
}

std::optional<RecordedRun> ReadRecorded(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  try {
    std::ifstream stream(file);
    const nlohmann::json json = nlohmann::json::parse(stream);
    RecordedRun recorded = {.model = json.at("model").get<Digest>(),
                            .tokens = {},
                            .layers = json.at("layers"),
                            .logits = json.at("logits")};
    const auto ids = json.at("ids").get<std::vector<std::vector<TokenId>>>();
    recorded.tokens.ids = Tokens::from_shape({ids.size(), ids.at(0).size()});
    for (std::size_t b = 0; b < ids.size(); ++b) {
      for (std::size_t t = 0; t < ids[b].size(); ++t) {
        recorded.tokens.ids(b, t) = ids[b][t];
      }
    }
    recorded.tokens.left_pad =
        json.at("left_pad").get<std::vector<std::size_t>>();
    return recorded;
  } catch (const nlohmann::json::exception& error) {
    throw DataError(file.string() + " is not a recording", error.what(),
                    "take the file as it was shipped");
  }
}

Watched CompareRecorded(const RecordedRun& recorded,
                        const std::shared_ptr<const Gpt2Weights>& weights) {
  Watched watched;
  watched.run = "without a cache, against the recorded numbers";
  RunNumbers run;
  const auto report = [&](Finding finding) {
    finding.run = watched.run;
    watched.finding = std::move(finding);
    return watched;
  };
  try {
    run = RunUncached(weights, recorded.tokens);
  } catch (const NotImplemented&) {
    throw;
  } catch (const std::exception& error) {
    return report({.kind = FindingKind::kThrew,
                   .tensor = "forward pass without a cache",
                   .seen_text = error.what(),
                   .right_text = "logits",
                   .usually = "a call that the headers allow is refused."});
  }
  if (run.layers.size() != weights->blocks.size()) {
    return report(
        {.kind = FindingKind::kInput,
         .tensor = "calls of attention",
         .seen_text = fmt::format("{} calls", run.layers.size()),
         .right_text =
             fmt::format("one for each of {} layers", weights->blocks.size()),
         .usually = "the model runs every block once, in order (2.5)."});
  }
  for (std::size_t l = 0; l < run.layers.size(); ++l) {
    for (const std::string_view name : kTensors) {
      const auto row_at = [&](const Place& place) {
        return RowIn(name, run.layers[l], place);
      };
      const nlohmann::json& rows = recorded.layers.at(l).at(std::string(name));
      const std::optional<Place> place =
          FirstDifferent({.name = name,
                          .rows = rows,
                          .layer = l,
                          .has_heads = HeadsOf(name, run.layers[l]) > 1},
                         watched, row_at);
      if (!place.has_value()) continue;
      const Digest right = rows.at(*place->row)
                               .at(*place->position)
                               .at(place->head.value_or(0))
                               .get<Digest>();
      Finding finding = {
          .tensor = std::string(name),
          .place = *place,
          .seen = DigestOf(row_at(*place)),
          .right = right,
          .notes = {"the row's first two numbers, and the sum of "
                    "all with random signs"},
          .usually = Means(name, l)};
      if (name == kTensors[0]) {
        finding.kind = FindingKind::kInput;
        const TokenId token = run.tokens.ids(*place->row, *place->position);
        const std::optional<std::size_t> used =
            l == 0 ? RightAt(weights, token, right) : std::nullopt;
        if (used.has_value()) {
          finding.kind = FindingKind::kPosition;
          finding.notes.push_back(
              fmt::format("your model gives the right numbers for this token "
                          "at position {} "
                          "of a row without padding",
                          *used));
          finding.usually =
              "positions count from the first token that is not "
              "padding (2.5).";
        }
      } else if (name == kTensors[4] || name == kTensors[5]) {
        finding.kind = FindingKind::kOutput;
      } else {
        finding.kind = FindingKind::kProjected;
      }
      watched.table = RecordedTable(recorded, run, finding);
      return report(std::move(finding));
    }
  }
  const auto row_at = [&](const Place& place) {
    return RowOf(run.logits, *place.row, *place.position);
  };
  const std::optional<Place> place = FirstDifferent(
      {.name = "logits", .rows = recorded.logits}, watched, row_at);
  if (place.has_value()) {
    Finding finding = {
        .kind = FindingKind::kLogits,
        .tensor = "logits",
        .place = *place,
        .seen = DigestOf(row_at(*place)),
        .right = recorded.logits.at(*place->row)
                     .at(*place->position)
                     .at(0)
                     .get<Digest>(),
        .notes = {"the row's first two numbers, and the sum of all with random "
                  "signs"},
        .usually =
            "every layer's attention agrees, so the rest of the last "
            "block, the last norm or the head differs (2.5)."};
    watched.table = RecordedTable(recorded, run, finding);
    return report(std::move(finding));
  }
  return watched;
}

}  // namespace kvlab
