#include "cli/trace/finding.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"

namespace kvlab {
namespace {

constexpr std::size_t kShownNumbers = 4;

nlohmann::json NumbersJson(const std::vector<float>& numbers) {
  nlohmann::json json = nlohmann::json::array();
  for (const float number : numbers) {
    if (std::isfinite(number)) {
      json.push_back(number);
    } else {
      json.push_back(nullptr);
    }
  }
  return json;
}

// A name and a text, wrapped at 80 columns.
std::string Line(std::string_view name, const std::string& text) {
  constexpr std::size_t kIndent = 11;
  constexpr std::size_t kColumns = 80;
  if (text.empty()) return {};
  std::string lines = fmt::format("  {:<9}", name);
  std::size_t column = kIndent;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end =
        std::min(text.find_first_of(" \n", begin), text.size());
    if (column > kIndent && column + 1 + (end - begin) > kColumns) {
      lines += '\n' + std::string(kIndent, ' ');
      column = kIndent;
    } else if (column > kIndent) {
      lines += ' ';
      ++column;
    }
    lines.append(text, begin, end - begin);
    column += end - begin;
    if (end < text.size() && text[end] == '\n') {
      lines += '\n' + std::string(kIndent, ' ');
      column = kIndent;
    }
    begin = end + 1;
  }
  return lines + '\n';
}

// Which number differs most; NaN more than any other.
std::size_t FarthestApart(const std::vector<float>& seen,
                          const std::vector<float>& right) {
  std::size_t farthest = 0;
  float distance = -1;
  for (std::size_t i = 0; i < seen.size() && i < right.size(); ++i) {
    const float apart = std::abs(seen[i] - right[i]);
    if (std::isnan(apart)) return i;
    if (apart > distance) {
      distance = apart;
      farthest = i;
    }
  }
  return farthest;
}

}  // namespace

std::string_view NameOf(FindingKind kind) {
  switch (kind) {
    case FindingKind::kPosition:
      return "position";
    case FindingKind::kInput:
      return "input";
    case FindingKind::kProjected:
      return "projected";
    case FindingKind::kLength:
      return "length";
    case FindingKind::kView:
      return "view";
    case FindingKind::kUnwritten:
      return "unwritten";
    case FindingKind::kRow:
      return "row";
    case FindingKind::kScores:
      return "scores";
    case FindingKind::kOutput:
      return "output";
    case FindingKind::kThrew:
      return "threw";
    case FindingKind::kLogits:
      return "logits";
    case FindingKind::kTokens:
      return "tokens";
    case FindingKind::kAttention:
      return "attention";
  }
  return "";
}

std::string TextOf(const Place& place) {
  std::string text;
  const auto add = [&text](std::string_view name,
                           const std::optional<std::size_t>& number) {
    if (!number.has_value()) return;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", name, *number);
  };
  add("layer", place.layer);
  add("row", place.row);
  add("position", place.position);
  add("head", place.head);
  return text;
}

std::string NumbersText(const std::vector<float>& numbers) {
  std::string text = "[";
  for (std::size_t i = 0; i < numbers.size() && i < kShownNumbers; ++i) {
    if (i > 0) text += ", ";
    text += fmt::format("{:.4g}", numbers[i]);
  }
  return text + (numbers.size() > kShownNumbers ? ", ...]" : "]");
}

std::string TextOf(const Finding& finding) {
  std::string what = finding.tensor;
  const std::string place = TextOf(finding.place);
  if (!place.empty()) what += (what.empty() ? "" : ", ") + place;
  std::string text =
      Line("what", what) +
      Line("when",
           finding.run + (finding.pass.empty() ? "" : "; " + finding.pass));
  if (finding.right.empty()) {
    text += Line("yours", finding.seen_text);
    text += Line("right", finding.right_text);
  } else {
    text += Line("yours", NumbersText(finding.seen));
    text += Line("right", NumbersText(finding.right));
    const std::size_t i = FarthestApart(finding.seen, finding.right);
    if (i < finding.seen.size() && i >= kShownNumbers) {
      text +=
          Line("", fmt::format("farthest apart at [{}]: {:.4g}, right {:.4g}",
                               i, finding.seen[i], finding.right[i]));
    }
  }
  for (const std::string& note : finding.notes) text += Line("note", note);
  return text + Line("usually", finding.usually);
}

nlohmann::json JsonOf(const Finding& finding) {
  nlohmann::json json = {{"kind", NameOf(finding.kind)},
                         {"tensor", finding.tensor},
                         {"place", TextOf(finding.place)},
                         {"run", finding.run},
                         {"pass", finding.pass},
                         {"seen", NumbersJson(finding.seen)},
                         {"right", NumbersJson(finding.right)},
                         {"seen_text", finding.seen_text},
                         {"right_text", finding.right_text},
                         {"notes", finding.notes},
                         {"usually", finding.usually}};
  const auto add = [&json](const char* name,
                           const std::optional<std::size_t>& number) {
    if (number.has_value()) json[name] = *number;
  };
  add("layer", finding.place.layer);
  add("row", finding.place.row);
  add("position", finding.place.position);
  add("head", finding.place.head);
  return json;
}

}  // namespace kvlab
