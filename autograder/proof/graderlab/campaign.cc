#include "autograder/proof/graderlab/campaign.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "autograder/scoring/marks.h"
#include "fmt/format.h"
#include "kit/error.h"
#include "kit/files/json_object.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {
namespace {

std::string MarkOf(const CampaignRun& run) {
  return run.blocked.empty()
             ? fmt::format("{:g}", run.points)
             : fmt::format("{:g} of {:g}", run.points, run.judged);
}

// Of one machine, rubric and submission: what each check usually earns. A check
// that is never short of its points is not here.
class UsualPoints {
 public:
  explicit UsualPoints(std::span<const CampaignRun* const> runs) {
    for (const CampaignRun* run : runs) {
      for (const auto& [check, points] : run->lost) counts_[check];
    }
    for (auto& [check, counts] : counts_) {
      for (const CampaignRun* run : runs) {
        if (!run->blocked.contains(check)) ++counts[PointsOf(*run, check)];
      }
    }
  }

  bool IsChanged(const CampaignRun& run) const {
    return std::ranges::any_of(counts_, [&](const auto& entry) {
      const auto& [check, counts] = entry;
      return !run.blocked.contains(check) &&
             PointsOf(run, check) != Commonest(counts);
    });
  }

 private:
  using Counts = std::map<double, std::size_t>;

  // All of its points are more than any loss.
  static double PointsOf(const CampaignRun& run, const std::string& check) {
    constexpr double kAll = 1e9;
    const auto found = run.lost.find(check);
    return found == run.lost.end() ? kAll : found->second;
  }

  static double Commonest(const Counts& counts) {
    return std::ranges::max_element(counts, {}, &Counts::value_type::second)
        ->first;
  }

  std::map<std::string, Counts> counts_;  // by check
};

std::string TextOf(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// What a run that was killed left at the end of the file.
void DropUnfinishedLine(const std::filesystem::path& file) {
  const std::string text = TextOf(file);
  const std::size_t whole = text.rfind('\n') + 1;  // 0 if there is none
  if (whole < text.size()) std::filesystem::resize_file(file, whole);
}

template <typename Key>
std::vector<Key> InOrder(std::span<const CampaignRun> runs,
                         Key (*key_of)(const CampaignRun&)) {
  std::vector<Key> keys;
  for (const CampaignRun& run : runs) {
    Key key = key_of(run);
    if (std::ranges::find(keys, key) == keys.end()) {
      keys.push_back(std::move(key));
    }
  }
  return keys;
}

using Two = std::pair<std::string, std::string>;

Two Place(const CampaignRun& run) { return {run.machine, run.rubric}; }
Two Row(const CampaignRun& run) { return {run.condition, run.submission}; }

std::size_t Sum(std::span<const CampaignRow> rows,
                std::size_t CampaignRow::*member) {
  std::size_t sum = 0;
  for (const CampaignRow& row : rows) sum += row.*member;
  return sum;
}

}  // namespace

void TakeMarks(const Report& report, CampaignRun& run) {
  run.points = report.marks.Points();
  run.judged = report.marks.JudgedPoints();
  for (const PartMark& part : report.marks.parts) {
    for (const TaskMark& task : part.tasks) {
      for (const CheckMark& mark : task.checks) {
        const std::string name = task.task->id + " " + mark.check->name;
        if (mark.blocked) {
          run.blocked.insert(name);
        } else if (mark.points != mark.check->points) {
          run.lost[name] = mark.points;
        }
      }
    }
  }
}

std::string ToLine(const CampaignRun& run) {
  const nlohmann::ordered_json json = {{"machine", run.machine},
                                       {"rubric", run.rubric},
                                       {"condition", run.condition},
                                       {"submission", run.submission},
                                       {"seed", run.seed},
                                       {"points", run.points},
                                       {"judged", run.judged},
                                       {"lost", run.lost},
                                       {"blocked", run.blocked},
                                       {"load", run.load},
                                       {"bandwidth_left", run.bandwidth_left},
                                       {"seconds", run.seconds}};
  return json.dump();
}

CampaignRun FromLine(const std::string& line, const std::string& source) {
  const nlohmann::json json = ParseJsonObject(line, source);
  try {
    CampaignRun run;
    json.at("machine").get_to(run.machine);
    json.at("rubric").get_to(run.rubric);
    json.at("condition").get_to(run.condition);
    json.at("submission").get_to(run.submission);
    json.at("seed").get_to(run.seed);
    json.at("points").get_to(run.points);
    json.at("judged").get_to(run.judged);
    json.at("lost").get_to(run.lost);
    json.at("blocked").get_to(run.blocked);
    json.at("load").get_to(run.load);
    json.at("bandwidth_left").get_to(run.bandwidth_left);
    json.at("seconds").get_to(run.seconds);
    return run;
  } catch (const nlohmann::json::exception& error) {
    throw DataError(source + ": not a run of graderlab", error.what(),
                    "name a file that graderlab --record has written");
  }
}

void Record(const CampaignRun& run, const std::filesystem::path& file) {
  DropUnfinishedLine(file);
  std::ofstream out(file, std::ios::app);
  out << ToLine(run) + "\n" << std::flush;
  if (!out) {
    throw DataError(file.string() + ": cannot be written",
                    "the run that has just ended would be lost",
                    "name a file in a folder that you may write to");
  }
}

std::vector<CampaignRun> ReadRuns(const std::filesystem::path& file) {
  std::istringstream lines(TextOf(file));
  std::vector<CampaignRun> runs;
  for (std::string line; std::getline(lines, line);) {
    if (lines.eof()) break;  // it was cut short
    runs.push_back(
        FromLine(line, fmt::format("{}:{}", file.string(), runs.size() + 1)));
  }
  return runs;
}

std::size_t CountLike(std::span<const CampaignRun> runs,
                      const CampaignRun& like) {
  return static_cast<std::size_t>(
      std::ranges::count_if(runs, [&](const CampaignRun& run) {
        return Place(run) == Place(like) && Row(run) == Row(like);
      }));
}

std::size_t CampaignSummary::Runs() const {
  return Sum(rows, &CampaignRow::runs);
}
std::size_t CampaignSummary::Changes() const {
  return Sum(rows, &CampaignRow::changes);
}
std::size_t CampaignSummary::Blocked() const {
  return Sum(rows, &CampaignRow::blocked);
}

std::vector<CampaignSummary> Summarize(std::span<const CampaignRun> runs) {
  std::vector<CampaignSummary> summaries;
  for (const Two& place : InOrder<Two>(runs, Place)) {
    std::map<std::string, std::vector<const CampaignRun*>> by_submission;
    for (const CampaignRun& run : runs) {
      if (Place(run) == place) by_submission[run.submission].push_back(&run);
    }
    std::map<std::string, UsualPoints> usual;
    for (const auto& [submission, its] : by_submission) {
      usual.emplace(submission, UsualPoints(its));
    }
    CampaignSummary summary = {
        .machine = place.first, .rubric = place.second, .rows = {}};
    for (const auto& [condition, submission] : InOrder<Two>(runs, Row)) {
      CampaignRow row;
      row.condition = condition;
      row.submission = submission;
      for (const CampaignRun* run : by_submission[submission]) {
        if (run->condition != condition) continue;
        ++row.runs;
        ++row.marks[MarkOf(*run)];
        row.changes += usual.at(submission).IsChanged(*run) ? 1 : 0;
        row.blocked += run->blocked.empty() ? 0 : 1;
      }
      if (row.runs > 0) summary.rows.push_back(std::move(row));
    }
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

std::string SummaryText(const CampaignSummary& summary) {
  std::string text =
      fmt::format("{}\n{}\n\n{:<18}{:<34}{:>5}{:>9}{:>9}  {}\n",
                  summary.machine, summary.rubric, "condition", "submission",
                  "runs", "changes", "blocked", "marks seen");
  for (const CampaignRow& row : summary.rows) {
    std::string marks;
    for (const auto& [mark, times] : row.marks) {
      marks += fmt::format("{}{} ({})", marks.empty() ? "" : ", ", mark, times);
    }
    text +=
        fmt::format("{:<18}{:<34}{:>5}{:>9}{:>9}  {}\n", row.condition,
                    row.submission, row.runs, row.changes, row.blocked, marks);
  }
  return text + fmt::format(
                    "\n{} changes of a mark in {} runs; in {} runs a check "
                    "could not be judged\n",
                    summary.Changes(), summary.Runs(), summary.Blocked());
}

}  // namespace kvlab::grading
