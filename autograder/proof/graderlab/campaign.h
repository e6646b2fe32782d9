// A long test of whether marks stay the same, in pieces: each run is a line of
// a file, and the lines of any number of files are summed.
#ifndef KVLAB_AUTOGRADER_PROOF_GRADERLAB_CAMPAIGN_H_
#define KVLAB_AUTOGRADER_PROOF_GRADERLAB_CAMPAIGN_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "autograder/report/report.h"

namespace kvlab::grading {

// One submission, graded once.
struct CampaignRun {
  // Where and by what: runs that differ in one of these are not compared.
  std::string machine;  // "AMD EPYC, 2 cores"
  std::string rubric;   // lengths and thresholds of the speed checks

  std::string condition;
  std::string submission;  // "baseline/solutions"
  std::uint64_t seed = 0;

  double points = 0;
  double judged = 0;  // the points that could be judged
  // The points of each check that did not earn all of its own, "3.10 speed.50".
  std::map<std::string, double> lost;
  // The checks that were neither earned nor lost.
  std::set<std::string> blocked;

  // What the machine was like.
  double load = 0;            // its load average at the beginning
  double bandwidth_left = 1;  // see Emulated
  double seconds = 0;

  bool operator==(const CampaignRun&) const = default;
};

// Fills in points and checks.
void TakeMarks(const Report& report, CampaignRun& run);

// One line without a line break, and back. Throws DataError for a line that is
// not one; `source` begins the message.
std::string ToLine(const CampaignRun& run);
CampaignRun FromLine(const std::string& line, const std::string& source);

// Appends one line at once, so that a run that is killed leaves whole lines, or
// a last one without an end. Throws DataError if it cannot be written.
void Record(const CampaignRun& run, const std::filesystem::path& file);

// The runs of a file, none if it does not exist. A last line without an end is
// left out. Throws DataError for any other defect.
std::vector<CampaignRun> ReadRuns(const std::filesystem::path& file);

// How many of `runs` are of this machine, rubric, condition and submission.
std::size_t CountLike(std::span<const CampaignRun> runs,
                      const CampaignRun& like);

// Marks of one submission in one condition.
struct CampaignRow {
  std::string condition;
  std::string submission;
  std::size_t runs = 0;
  // How often each mark was given: "100", "98 of 98".
  std::map<std::string, std::size_t> marks;
  std::size_t changes = 0;  // runs with another mark than usual
  std::size_t blocked = 0;  // runs with a check that could not be judged
};

// The runs of one machine and rubric.
struct CampaignSummary {
  std::string machine;
  std::string rubric;
  std::vector<CampaignRow> rows;  // in the order in which they came first

  std::size_t Runs() const;
  std::size_t Changes() const;
  std::size_t Blocked() const;
};

// A run is a change if a check that could be judged earned other points than it
// did in most runs of that submission that judged it, whatever the condition.
// One summary for each machine and rubric, in the order of the runs.
std::vector<CampaignSummary> Summarize(std::span<const CampaignRun> runs);

// The table, and its sums below.
std::string SummaryText(const CampaignSummary& summary);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_GRADERLAB_CAMPAIGN_H_
