#include "autograder/machine_figures.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "kit/error.h"
#include "kit/math/median.h"

namespace kvlab::grading {
namespace {

constexpr double kPercent = 100;
constexpr double kGiga = 1e9;

// The targets. Prefill has one for one thread, and one for more.
constexpr double kDecodeF32 = 0.92;
constexpr double kDecodeF16 = 0.85;
constexpr double kPrefillOfOneThread = 0.65;
constexpr double kPrefillOfMoreThreads = 0.60;
// Allowance for noise, another compiler or another clock rate.
constexpr double kMargin = 1.5;

double PrefillTarget(std::size_t threads) {
  return threads == 1 ? kPrefillOfOneThread : kPrefillOfMoreThreads;
}

// The worst of the lengths; nothing if one of them cannot be measured.
struct Worst {
  double share = 0;
  std::size_t tokens = 0;
};
std::optional<Worst> WorstOf(std::span<const ShareOfLimit> shares) {
  std::optional<Worst> worst;
  for (const ShareOfLimit& share : shares) {
    const std::optional<double> median = share.Median();
    if (!median) return std::nullopt;
    if (!worst || *median < worst->share) worst = {*median, share.tokens};
  }
  return worst;
}

const char* Holds(bool holds) { return holds ? "holds" : "MISSED"; }

std::string TargetLine(const std::string& what,
                       std::span<const ShareOfLimit> shares, double wanted) {
  const std::optional<Worst> worst = WorstOf(shares);
  if (!worst) {
    return fmt::format("  {:<36}{:>26}   wanted {:.0f} %\n", what,
                       "not measurable now", kPercent * wanted);
  }
  return fmt::format("  {:<36}{:>26}   wanted {:.0f} %   {}\n", what,
                     fmt::format("{:.0f} % ({} tokens)",
                                 kPercent * worst->share, worst->tokens),
                     kPercent * wanted, Holds(worst->share >= wanted));
}

std::string Threads(std::size_t threads) {
  return threads == 1 ? "1 thread" : fmt::format("{} threads", threads);
}

// "32 MiB", "48 KiB", "?"
std::string Size(std::size_t bytes) {
  constexpr std::size_t kKibi = 1024;
  if (bytes == 0) return "?";
  if (bytes < kKibi * kKibi) return fmt::format("{} KiB", bytes / kKibi);
  return fmt::format("{:g} MiB", static_cast<double>(bytes) / (kKibi * kKibi));
}

// "94 / 88 %", by threads; "?" where it cannot be measured.
std::string Cell(std::span<const SharesOfLimits> by_threads,
                 std::vector<ShareOfLimit> SharesOfLimits::*member) {
  std::string cell;
  for (const SharesOfLimits& shares : by_threads) {
    const std::optional<Worst> worst = WorstOf(shares.*member);
    cell += (cell.empty() ? "" : " / ") +
            (worst ? fmt::format("{:.0f}", kPercent * worst->share) : "?");
  }
  return cell.empty() ? "?" : cell + " %";
}

}  // namespace

std::optional<double> ShareOfLimit::Median() const {
  constexpr double kAgree = 1.25;
  constexpr double kPassed = 1.05;
  if (rounds.size() < 2) return std::nullopt;
  std::vector<double> sorted = rounds;
  std::ranges::sort(sorted);
  const std::size_t outside = (sorted.size() - 1) / 4;
  const double low = sorted[outside];
  const double high = sorted[sorted.size() - 1 - outside];
  const double median = kvlab::Median(sorted);
  if (!(low > 0) || high > kAgree * low || median > kPassed) {
    return std::nullopt;
  }
  return std::min(median, 1.0);
}

std::string TargetsText(const MachineFigures& figures) {
  std::string text;
  for (const SharesOfLimits& shares : figures.shares) {
    const std::string threads = Threads(shares.threads);
    text += TargetLine("decode F32, " + threads + ", of reading",
                       shares.decode_f32, kDecodeF32);
    text += TargetLine("decode F16, " + threads + ", of reading",
                       shares.decode_f16, kDecodeF16);
    text += TargetLine("prefill F32, " + threads + ", of the peak",
                       shares.prefill_f32, PrefillTarget(shares.threads));
  }
  for (const auto& [tokens, margin] : figures.margins) {
    text += fmt::format("  {:<36}{:>26}   wanted {:g}    {}\n",
                        fmt::format("speed.{} over the course's table", tokens),
                        fmt::format("{:.1f} times", margin), kMargin,
                        Holds(margin >= kMargin));
  }
  return text;
}

std::string MachinesHead() {
  return "| processor | cores | caches | reads, GB/s | peak, GFLOP/s | decode "
         "F32 | decode F16 | prefill F32 | margins | measured |\n"
         "|---|---|---|---|---|---|---|---|---|---|\n";
}

std::string MachineLine(const MachineFigures& figures) {
  std::string margins;
  for (const auto& [tokens, margin] : figures.margins) {
    margins += fmt::format("{}{:.1f}", margins.empty() ? "" : ", ", margin);
  }
  return fmt::format(
      "| {} | {} | {}, {}, {} | {:.0f}, {:.0f} | {:.0f} | {} | {} | {} | {} | "
      "{}, load {:.1f} |\n",
      figures.processor, figures.cores, Size(figures.cache_bytes[0]),
      Size(figures.cache_bytes[1]), Size(figures.cache_bytes[2]),
      figures.read_weights_per_s / kGiga, figures.read_memory_per_s / kGiga,
      figures.flop_per_s / kGiga,
      Cell(figures.shares, &SharesOfLimits::decode_f32),
      Cell(figures.shares, &SharesOfLimits::decode_f16),
      Cell(figures.shares, &SharesOfLimits::prefill_f32),
      margins.empty() ? "?" : margins, figures.date, figures.load);
}

std::string WithMachine(const std::string& page, const std::string& line) {
  const std::size_t head = page.find(MachinesHead());
  if (head == std::string::npos) {
    throw DataError("the page has no table of machines",
                    "its columns are not those that calibrate writes",
                    "give it this head:\n" + MachinesHead());
  }
  std::size_t end = head + MachinesHead().size();
  while (end < page.size() && page[end] == '|') {
    end = std::min(page.find('\n', end), page.size() - 1) + 1;
  }
  return page.substr(0, end) + line + page.substr(end);
}

}  // namespace kvlab::grading
