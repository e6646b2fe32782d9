#include "lab/lab_run.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

class LabRunTest : public ::testing::Test {
 protected:
  LabRun MakeRun(double planned_work) {
    return LabRun({.file = file_,
                   .instruments = {.now_s = [this] { return now_s_; }},
                   .stop_asked = [this] { return stop_; },
                   .on_progress =
                       [this](const std::string& what, double share,
                              double seconds_left) {
                         shown_.emplace_back(what, seconds_left);
                         shares_.push_back(share);
                       }},
                  {{"format", "test"}}, planned_work);
  }

  nlohmann::json File() const {
    std::ifstream stream(file_);
    return nlohmann::json::parse(stream);
  }

  std::filesystem::path file_ =
      std::filesystem::path(::testing::TempDir()) / "results.json";
  double now_s_ = 100;
  bool stop_ = false;
  std::vector<std::pair<std::string, double>> shown_;
  std::vector<double> shares_;
};

TEST_F(LabRunTest, AFileIsThereFromTheStartAndNotComplete) {
  const LabRun run = MakeRun(1);
  EXPECT_EQ(File()["format"], "test");
  EXPECT_EQ(File()["complete"], false);
}

TEST_F(LabRunTest, EachKeptSectionIsInTheFileAtOnce) {
  LabRun run = MakeRun(1);
  run.Keep("memory", {{"bytes", 64}});
  EXPECT_EQ(File()["memory"]["bytes"], 64);
  run.Keep("memory", {{"bytes", 64}, {"layers", 2}});
  run.Keep("memo", nlohmann::ordered_json::array({1, 2}));
  EXPECT_EQ(File()["memory"]["layers"], 2);
  EXPECT_EQ(File()["memo"].size(), 2U);
  EXPECT_EQ(File()["complete"], false);
}

TEST_F(LabRunTest, FinishSaysThatNothingIsMissing) {
  LabRun run = MakeRun(1);
  run.Finish();
  EXPECT_EQ(File()["complete"], true);
}

TEST_F(LabRunTest, TimeLeftIsTimeTakenByShareOfWork) {
  LabRun run = MakeRun(10);
  run.Step("a tenth", 1);
  now_s_ = 106;  // 6 s for a tenth: 54 s for the rest
  run.Step("the half", 4);
  now_s_ = 130;  // 30 s for a half
  run.Step("the rest", 5);
  ASSERT_EQ(shown_.size(), 3U);
  EXPECT_EQ(shown_[0].first, "a tenth");
  EXPECT_LT(shown_[0].second, 0) << "not known yet";
  EXPECT_DOUBLE_EQ(shown_[1].second, 54);
  EXPECT_DOUBLE_EQ(shown_[2].second, 30);
  EXPECT_EQ(shares_, (std::vector<double>{0, 0.1, 0.5}));
}

TEST_F(LabRunTest, AStepAfterTheWishToStopThrowsAndKeepsTheFile) {
  LabRun run = MakeRun(2);
  run.Step("first", 1);
  run.Keep("memo", {{"tokens", 12}});
  stop_ = true;
  EXPECT_THROW(run.Step("second", 1), Stopped);
  EXPECT_EQ(File()["memo"]["tokens"], 12);
  EXPECT_EQ(File()["complete"], false);
}

TEST_F(LabRunTest, ALongStepCanBeStoppedInItsMiddle) {
  const LabRun run = MakeRun(1);
  EXPECT_NO_THROW(run.ExpectGoingOn());
  stop_ = true;
  EXPECT_THROW(run.ExpectGoingOn(), Stopped);
}

TEST_F(LabRunTest, AFileThatCannotBeWrittenIsNamed) {
  file_ = std::filesystem::path(::testing::TempDir()) / "none" / "results.json";
  try {
    const LabRun run = MakeRun(1);
    FAIL() << "nothing was thrown";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find(file_.string()), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace kvlab
