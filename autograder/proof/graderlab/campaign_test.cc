#include "autograder/proof/graderlab/campaign.h"

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "autograder/report/sample_report.h"
#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

// Of the solutions, which usually get 100.
CampaignRun RunIn(const std::string& condition) {
  return {.machine = "EPYC, 2 cores",
          .rubric = "as in the course",
          .condition = condition,
          .submission = "baseline/solutions",
          .seed = 7,
          .points = 100,
          .judged = 100,
          .lost = {},
          .blocked = {},
          .load = 0.5,
          .bandwidth_left = 1,
          .seconds = 60};
}

CampaignRun WithHalfAt50(CampaignRun run) {
  run.points -= 1;
  run.lost["3.10 speed.50"] = 1;
  return run;
}

CampaignRun BlockedAt50(CampaignRun run) {
  run.points -= 2;
  run.judged -= 2;
  run.blocked.insert("3.10 speed.50");
  return run;
}

CampaignSummary SummaryOf(const std::vector<CampaignRun>& runs) {
  const std::vector<CampaignSummary> summaries = Summarize(runs);
  EXPECT_EQ(summaries.size(), 1U);
  return summaries.front();
}

TEST(CampaignTest, TheSameMarksEverywhereAreNoChange) {
  const CampaignSummary summary =
      SummaryOf({RunIn("idle"), RunIn("wide"), RunIn("idle")});
  ASSERT_EQ(summary.rows.size(), 2U);
  EXPECT_EQ(summary.rows[0].condition, "idle");
  EXPECT_EQ(summary.rows[0].runs, 2U);
  EXPECT_EQ(summary.rows[0].marks.at("100"), 2U);
  EXPECT_EQ(summary.rows[1].condition, "wide");
  EXPECT_EQ(summary.Runs(), 3U);
  EXPECT_EQ(summary.Changes(), 0U);
  EXPECT_EQ(summary.Blocked(), 0U);
}

TEST(CampaignTest, AMarkThatChangesWithTheConditionIsAChange) {
  const CampaignSummary summary = SummaryOf(
      {RunIn("idle"), RunIn("idle"), WithHalfAt50(RunIn("slow-memory"))});
  EXPECT_EQ(summary.rows[0].changes, 0U);
  EXPECT_EQ(summary.rows[1].changes, 1U);
  EXPECT_EQ(summary.rows[1].marks.at("99"), 1U);
}

TEST(CampaignTest, ARareMarkIsTheChangeWhicheverIsHigher) {
  const CampaignSummary summary =
      SummaryOf({WithHalfAt50(RunIn("idle")), WithHalfAt50(RunIn("idle")),
                 RunIn("wide")});
  EXPECT_EQ(summary.rows[0].changes, 0U);
  EXPECT_EQ(summary.rows[1].changes, 1U);
}

// Two that cancel out in the sum are two changes, of one run.
TEST(CampaignTest, ChecksAreComparedNotTheirSum) {
  CampaignRun other = WithHalfAt50(RunIn("wide"));
  other.lost = {{"3.10 speed.100", 1}};
  const CampaignSummary summary = SummaryOf(
      {WithHalfAt50(RunIn("idle")), WithHalfAt50(RunIn("idle")), other});
  EXPECT_EQ(summary.Changes(), 1U);
}

TEST(CampaignTest, ABlockedCheckIsNoChange) {
  const CampaignSummary summary =
      SummaryOf({RunIn("idle"), BlockedAt50(RunIn("crowded"))});
  EXPECT_EQ(summary.Changes(), 0U);
  EXPECT_EQ(summary.Blocked(), 1U);
  EXPECT_EQ(summary.rows[1].marks.at("98 of 98"), 1U);
}

TEST(CampaignTest, BesideABlockedCheckTheOthersAreCompared) {
  CampaignRun other = BlockedAt50(RunIn("crowded"));
  other.lost["3.10 speed.100"] = 1;
  EXPECT_EQ(SummaryOf({RunIn("idle"), RunIn("idle"), other}).Changes(), 1U);
}

TEST(CampaignTest, WhatIsAlwaysBlockedIsCompared) {
  const CampaignSummary summary =
      SummaryOf({BlockedAt50(RunIn("crowded")), BlockedAt50(RunIn("crowded"))});
  EXPECT_EQ(summary.Changes(), 0U);
  EXPECT_EQ(summary.Blocked(), 2U);
}

TEST(CampaignTest, SubmissionsAreNotComparedWithEachOther) {
  CampaignRun stubs = RunIn("idle");
  stubs.submission = "baseline/stubs";
  stubs.points = 0;
  stubs.lost = {{"3.10 speed.50", 0}};
  EXPECT_EQ(SummaryOf({RunIn("idle"), stubs}).Changes(), 0U);
}

TEST(CampaignTest, MachinesAndRubricsAreNotComparedWithEachOther) {
  CampaignRun elsewhere = WithHalfAt50(RunIn("idle"));
  elsewhere.machine = "Xeon, 2 cores";
  CampaignRun shorter = WithHalfAt50(RunIn("idle"));
  shorter.rubric = "short";
  const std::vector<CampaignRun> runs = {RunIn("idle"), elsewhere, shorter};
  const std::vector<CampaignSummary> summaries = Summarize(runs);
  ASSERT_EQ(summaries.size(), 3U);
  for (const CampaignSummary& summary : summaries) {
    EXPECT_EQ(summary.Changes(), 0U);
  }
  EXPECT_EQ(CountLike(runs, RunIn("idle")), 1U);
  EXPECT_EQ(CountLike(runs, elsewhere), 1U);
  EXPECT_EQ(CountLike(runs, RunIn("wide")), 0U);
}

TEST(CampaignTest, TheTableHasALinePerConditionAndSubmission) {
  const std::string text = SummaryText(
      SummaryOf({RunIn("idle"), RunIn("idle"), WithHalfAt50(RunIn("reading")),
                 BlockedAt50(RunIn("reading"))}));
  EXPECT_NE(text.find("idle              baseline/solutions"
                      "                    2        0        0  100 (2)\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("2        1        1  98 of 98 (1), 99 (1)\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\n1 changes of a mark in 4 runs; in 1 runs a check "
                      "could not be judged\n"),
            std::string::npos)
      << text;
}

TEST(CampaignTest, MarksAreTakenFromAReport) {
  Sample sample = PerfectSample();
  Lose(sample.Mark(0, 0), 0.5, "half");
  sample.Mark(2, 0).blocked = true;
  Lose(sample.Mark(2, 0), 0);
  CampaignRun run;
  TakeMarks(sample.report, run);
  EXPECT_EQ(run.points, sample.report.marks.Points());
  EXPECT_EQ(run.judged, sample.report.marks.JudgedPoints());
  ASSERT_EQ(run.lost.size(), 1U);
  EXPECT_EQ(run.lost.begin()->second, 0.5);
  ASSERT_EQ(run.blocked.size(), 1U);
  EXPECT_EQ(*run.blocked.begin(),
            sample.report.marks.parts[2].tasks[0].task->id + " " +
                sample.Mark(2, 0).check->name);
}

class CampaignFileTest : public testing::Test {
 protected:
  CampaignFileTest() { fs::remove(file_); }
  const fs::path file_ = fs::path(testing::TempDir()) / "runs.jsonl";
};

TEST_F(CampaignFileTest, RunsAreReadAsTheyWereRecorded) {
  EXPECT_TRUE(ReadRuns(file_).empty());  // before the first run is recorded
  const CampaignRun first = WithHalfAt50(RunIn("idle"));
  const CampaignRun second = BlockedAt50(RunIn("reading"));
  Record(first, file_);
  Record(second, file_);
  EXPECT_EQ(ReadRuns(file_), (std::vector<CampaignRun>{first, second}));
}

TEST_F(CampaignFileTest, ALineThatWasCutShortIsLeftOut) {
  Record(RunIn("idle"), file_);
  std::ofstream(file_, std::ios::app) << R"({"machine":"EPY)";
  EXPECT_EQ(ReadRuns(file_).size(), 1U);
  Record(RunIn("wide"), file_);
  EXPECT_EQ(ReadRuns(file_),
            (std::vector<CampaignRun>{RunIn("idle"), RunIn("wide")}));
}

TEST_F(CampaignFileTest, ALineOfSomethingElseIsRefused) {
  Record(RunIn("idle"), file_);
  std::ofstream(file_, std::ios::app) << "{\"marks\": 100}\n";
  try {
    ReadRuns(file_);
    FAIL() << "it was accepted";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("runs.jsonl:2"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace kvlab::grading
