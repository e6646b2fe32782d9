// What ./kvlab calibrate finds out about a machine, the targets that the
// reference reaches there, and the machine's line in docs/machines.md.
#ifndef KVLAB_AUTOGRADER_MACHINE_FIGURES_H_
#define KVLAB_AUTOGRADER_MACHINE_FIGURES_H_

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kvlab::grading {

// The part of a limit that was reached, of which each round measured both.
struct ShareOfLimit {
  std::vector<double> rounds;
  std::size_t tokens = 0;  // in the cache, or of the prompt

  // The median. Nothing while it cannot be measured: without two rounds, if the
  // rounds disagree (of those between the quartiles, the largest is more than
  // 1.25 times the smallest), or if the limit was passed by more than 5 %, so
  // that it was not one.
  std::optional<double> Median() const;
};

// Of DistilGPT2's shape, in the machine's best instruction set.
struct SharesOfLimits {
  std::size_t threads = 1;
  // Of the speed at which as many bytes are read, by length.
  std::vector<ShareOfLimit> decode_f32 = {};
  std::vector<ShareOfLimit> decode_f16 = {};
  // Of the multiply-add peak.
  std::vector<ShareOfLimit> prefill_f32 = {};
};

struct MachineFigures {
  std::string processor;
  std::size_t cores = 0;
  std::array<std::size_t, 3> cache_bytes{};  // by level; 0 if it is unknown
  // One thread, AVX2 (kit/measure/roofline.h).
  double read_weights_per_s = 0;  // bytes, from 7 MiB: the shipped weights
  double read_memory_per_s = 0;   // bytes, from 256 MiB
  double flop_per_s = 0;
  std::vector<SharesOfLimits> shares;  // by threads
  // The reference's speedup over that for full points, by new tokens.
  std::map<std::size_t, double> margins;
  std::string date;  // "2027-01-15"
  double load = 0;   // the load average before anything was measured
};

// One target for each line: what was reached, what is wanted, and whether it
// holds. The worst of the lengths counts.
std::string TargetsText(const MachineFigures& figures);

// The head of the table of machines, two lines, and the line of one.
std::string MachinesHead();
std::string MachineLine(const MachineFigures& figures);

// `page`, with `line` after the last line of the table of machines. Throws
// DataError if it has no such table.
std::string WithMachine(const std::string& page, const std::string& line);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_FIGURES_H_
