#include "autograder/report/demo_plot.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/report/drawing.h"
#include "autograder/report/plot_frame.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// --- the table ---

// A number of new tokens, and how many times faster a cache generates them.
struct DemoRow {
  double new_tokens = 0;
  double speedup = 0;  // median of the pairs, and their range
  double speedup_low = 0;
  double speedup_high = 0;
  double work_ratio = 0;  // the ceiling of the speedup
};

struct DemoTable {
  std::string machine;
  std::vector<DemoRow> rows;
};

using Cells = std::vector<std::string>;

Cells CellsOf(const std::string& line) {
  Cells cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) {
    cells.push_back(cell);
  }
  return cells;
}

// The number in the column of this name.
double NumberIn(const Cells& cells, const Cells& names,
                const std::string& name) {
  const auto column =
      static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
  double number = 0;
  if (column < names.size() && column < cells.size()) {
    std::istringstream(cells[column]) >> number;
  }
  if (number > 0) return number;
  throw std::runtime_error("the table has no positive number in the column '" +
                           name + "': write it with ./kvlab demo --csv");
}

DemoTable ReadTable(std::string_view csv) {
  DemoTable table;
  Cells names;
  std::istringstream stream{std::string(csv)};
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("# ")) {
      table.machine = line.substr(2);
    } else if (names.empty()) {
      names = CellsOf(line);
    } else {
      const Cells cells = CellsOf(line);
      const auto number = [&](const char* name) {
        return NumberIn(cells, names, name);
      };
      table.rows.push_back({.new_tokens = number("new_tokens"),
                            .speedup = number("speedup"),
                            .speedup_low = number("speedup_low"),
                            .speedup_high = number("speedup_high"),
                            .work_ratio = number("work_ratio")});
    }
  }
  if (table.rows.empty()) {
    throw std::runtime_error(
        "the table has no rows: write it with ./kvlab demo --csv");
  }
  return table;
}

// --- the plot ---

constexpr double kPixelsPerUnit = 1.25;
constexpr Frame kFrame = {.width = 656,
                          .height = 400,
                          .left = 46,
                          .right = 640,
                          .top = 76,
                          .bottom = 352};
// Where no series is; it hides the grid behind its words.
constexpr Point kLegendFrom = {56, 84};
constexpr Point kLegendTo = {424, 150};

// What the course asks for, for full points: task 3.10 of the rubric.
constexpr std::array<Point, 4> kAsked = {
    {{50, 5}, {100, 10}, {200, 20}, {500, 50}}};

struct Axes {
  Axis x;
  Axis y;

  Point At(double tokens, double times) const {
    return {x.At(tokens), y.At(times)};
  }
};

Axes AxesOf(const std::vector<DemoRow>& rows) {
  constexpr double kMargin = 1.15;
  const auto [fewest, most] =
      std::ranges::minmax(rows, {}, &DemoRow::new_tokens);
  double highest = 1;
  for (const DemoRow& row : rows) {
    highest = std::max({highest, row.speedup_high, row.work_ratio});
  }
  return {.x = {.scale = Axis::Scale::kLog,
                .from = fewest.new_tokens / kMargin,
                .to = most.new_tokens * kMargin,
                .start = kFrame.left,
                .end = kFrame.right},
          .y = {.scale = Axis::Scale::kLog,
                .from = 1,
                .to = highest * kMargin,
                .start = kFrame.bottom,
                .end = kFrame.top}};
}

Html Heading(const std::string& machine) {
  const double middle = kFrame.width / 2;
  return Words({middle, 18}, Anchor::kMiddle,
               "How many times faster a KV cache generates n tokens",
               "label title") +
         Words({middle, 36}, Anchor::kMiddle,
               "GPT-2 of 4 layers, width 256, float16 weights, batch 1, on " +
                   machine);
}

Html Grid(const Axes& axes) {
  Html drawn = AxisTitles(kFrame, "n, new tokens (logarithmic)",
                          "times as fast as recomputing (logarithmic)");
  for (const double tick : LogTicks(axes.y)) {
    drawn += TickY(kFrame, axes.y, tick, fmt::format("{:g}×", tick));
  }
  for (const double tick : LogTicks(axes.x)) {
    drawn += TickX(kFrame, axes.x, tick);
  }
  return drawn;
}

Html Meanings() {
  return Rectangle(kLegendFrom, kLegendTo, "paper") +
         Legend({kLegendFrom.x + 6, kLegendFrom.y + 2},
                {{0, 0, "formula",
                  "ceiling: work saved (multiply-accumulates, counted)"},
                 {0, 1, "yours", "measured speedup, median and range"},
                 {0, 2, "asked", "what the course asks for full points"}});
}

Html Ceiling(const std::vector<DemoRow>& rows, const Axes& axes) {
  std::vector<Point> points;
  points.reserve(rows.size());
  for (const DemoRow& row : rows) {
    points.push_back(axes.At(row.new_tokens, row.work_ratio));
  }
  return Path(points, "formula");
}

Html Measured(const std::vector<DemoRow>& rows, const Axes& axes) {
  Html marks;
  std::vector<Point> points;
  points.reserve(rows.size());
  for (const DemoRow& row : rows) {
    points.push_back(axes.At(row.new_tokens, row.speedup));
    marks += Range(axes.At(row.new_tokens, row.speedup_low),
                   axes.At(row.new_tokens, row.speedup_high), "yours") +
             Dot(points.back(), "yours");
  }
  return Path(points, "yours") + marks;
}

Html Asked(const Axes& axes) {
  constexpr double kBelow = 20;
  Html drawn;
  for (const auto& [tokens, times] : kAsked) {
    const Point at = axes.At(tokens, times);
    drawn +=
        Triangle(at, "asked") + Words({at.x, at.y + kBelow}, Anchor::kMiddle,
                                      fmt::format("{:g}×", times));
  }
  return drawn;
}

std::string Description(const DemoTable& table) {
  std::string text;
  for (const DemoRow& row : table.rows) {
    text += fmt::format(
        "{:g} tokens: {:.1f} times as fast, with {:.1f} times less work. ",
        row.new_tokens, row.speedup, row.work_ratio);
  }
  return text;
}

Html Drawn(const DemoTable& table) {
  const Axes axes = AxesOf(table.rows);
  const Html content = Heading(table.machine) + Grid(axes) + Meanings() +
                       Ceiling(table.rows, axes) + Measured(table.rows, axes) +
                       Asked(axes);
  return Svg({.id = "speedup",
              .title = "How many times faster a KV cache generates n tokens",
              .description = Description(table),
              .width = kFrame.width,
              .height = kFrame.height,
              .pixels_per_unit = kPixelsPerUnit},
             content);
}

// With a line for each element, so that a change of the file is legible.
std::string InLines(const std::string& markup) {
  std::string lines;
  for (std::size_t i = 0; i < markup.size(); ++i) {
    lines += markup[i];
    const bool last = i + 1 == markup.size();
    if (markup[i] == '>' && (last || markup[i + 1] == '<')) lines += '\n';
  }
  return lines;
}

}  // namespace

std::string DemoPicture(std::string_view csv) {
  return InLines(Drawn(ReadTable(csv)).Markup());
}

}  // namespace kvlab::grading
