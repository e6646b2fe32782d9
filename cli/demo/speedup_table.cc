#include "cli/demo/speedup_table.h"

#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"

namespace kvlab {
namespace {

constexpr std::string_view kRow =
    "{:>6} |{:>8} {:>8} {:>7} |{:>8} {:>8} {:>7} |{:>9} {:>8} |{:>10} {:>10}\n";

std::string Side(double seconds, std::size_t new_tokens) {
  const auto count = static_cast<double>(new_tokens);
  return fmt::format("{:>8.3f} {:>8.3f} {:>7.0f}", seconds,
                     1e3 * seconds / count, count / seconds);
}

}  // namespace

std::string TableHead() {
  return fmt::format("{:>6} |{:^26}|{:^26}|{:^19}|{:>17}\n", "", "without",
                     "with the cache", "the cache saves", "cache bytes") +
         fmt::format(kRow, "tokens", "time s", "ms/token", "token/s", "time s",
                     "ms/token", "token/s", "time", "work", "formula",
                     "measured");
}

std::string TableRow(const MeasuredSpeedup& row) {
  return fmt::format("{:>6} |{} |{} |{:>8.1f}x {:>7.1f}x |{:>10} {:>10}\n",
                     row.new_tokens, Side(row.uncached_s, row.new_tokens),
                     Side(row.cached_s, row.new_tokens), row.speedup,
                     row.work_ratio, row.cache.formula_bytes,
                     row.cache.measured_bytes);
}

std::string TableFoot() {
  return "work: multiply-accumulates without / with the cache, counted: the "
         "ceiling of the speedup.\n"
         "formula: 2 * layers * heads * head_dim * tokens * 4 bytes; measured: "
         "growth of the heap.\n";
}

std::string Csv(const std::vector<MeasuredSpeedup>& rows,
                std::string_view machine) {
  std::string text = fmt::format(
      "# {}\nnew_tokens,prompt_tokens,uncached_s,cached_s,speedup,speedup_low,"
      "speedup_high,work_ratio,formula_bytes,measured_bytes\n",
      machine);
  for (const MeasuredSpeedup& row : rows) {
    text += fmt::format(
        "{},{},{:.6f},{:.6f},{:.3f},{:.3f},{:.3f},{:.3f},{},{}\n",
        row.new_tokens, row.prompt_tokens, row.uncached_s, row.cached_s,
        row.speedup, row.speedup_low, row.speedup_high, row.work_ratio,
        row.cache.formula_bytes, row.cache.measured_bytes);
  }
  return text;
}

}  // namespace kvlab
