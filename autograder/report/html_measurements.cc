#include "autograder/report/html_measurements.h"

#include <string>
#include <vector>

#include "autograder/report/plots.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// The first cell of a row names it.
Html Row(const std::vector<std::string>& cells) {
  Html row;
  for (const std::string& cell : cells) {
    row += row.Markup().empty() ? Tag("th", {{"scope", "row"}}, Text(cell))
                                : Tag("td", Text(cell));
  }
  return Tag("tr", row);
}

Html Head(const std::vector<std::string>& titles) {
  Html row;
  for (const std::string& title : titles) {
    row += Tag("th", {{"scope", "col"}}, Text(title));
  }
  return Tag("thead", Tag("tr", row));
}

Html Figure(const std::string& title, const Html& plot,
            const std::string& caption, const Html& table) {
  return Tag("figure", Tag("h3", Text(title)) + plot +
                           Tag("figcaption", Text(caption)) +
                           Tag("table", {{"class", "numbers"}}, table));
}

Html SpeedupFigure(const std::vector<SpeedupMeasurement>& speedups) {
  Html rows;
  for (const SpeedupMeasurement& speedup : speedups) {
    rows += Row({fmt::format("{}", speedup.new_tokens),
                 fmt::format("{:.1f}×", speedup.median),
                 fmt::format("{:.1f}–{:.1f}", speedup.least, speedup.most),
                 fmt::format("{:.1f}×", speedup.reference),
                 fmt::format("{:g}×", speedup.full_from)});
  }
  return Figure(
      "Speedup", SpeedupPlot(speedups),
      "Your GenerateCached and the reference's, each against a baseline that "
      "recomputes everything: in turn, on one machine, for fresh prompts. "
      "Only the ratio counts; the bar shows the spread of the pairs. Points "
      "are given for reaching the course's table or for a share of the "
      "reference's speed, whichever gives more: a machine on which a cache "
      "gains less costs nothing.",
      Tag("caption", Text("Speedup by number of new tokens")) +
          Head({"new tokens", "yours", "range", "reference",
                "full points from"}) +
          Tag("tbody", rows));
}

Html MemoryFigure(const std::vector<CacheMemoryMeasurement>& measurements) {
  Html rows;
  for (const CacheMemoryMeasurement& measurement : measurements) {
    const CacheMemorySample& last = measurement.samples.back();
    rows += Row({fmt::format("{}", measurement.batch),
                 fmt::format("{:.1f}", measurement.formula_mib),
                 fmt::format("{:.1f}", measurement.samples.front().mib),
                 fmt::format("{:.1f}", last.mib)});
  }
  const std::size_t tokens = measurements.front().samples.back().tokens;
  return Figure(
      "Memory", MemoryPlot(measurements),
      "Memory used beyond what it took before the cache was enabled, measured "
      "from outside, and the formula: 2 × layers × batch × heads × "
      "max_seq_len × head_dim × 4 bytes. A cache that is reserved at once "
      "stays on its line.",
      Tag("caption", Text("Memory of the cache in MiB")) +
          Head({"batch", "by the formula", "when enabled",
                fmt::format("after {} tokens", tokens)}) +
          Tag("tbody", rows));
}

}  // namespace

Html MeasurementsSection(const Measurements& measurements) {
  Html figures;
  if (!measurements.speedups.empty()) {
    figures += SpeedupFigure(measurements.speedups);
  }
  if (!measurements.cache_memory.empty()) {
    figures += MemoryFigure(measurements.cache_memory);
  }
  if (figures.Markup().empty()) return {};
  return Tag("section", {{"aria-labelledby", "measured"}},
             Tag("h2", {{"id", "measured"}}, Text("Your cache, measured")) +
                 Tag("div", {{"class", "figures"}}, figures));
}

}  // namespace kvlab::grading
