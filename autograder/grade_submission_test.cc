// Whole submissions, compiled and run in real sandboxes.
#include "autograder/grade_submission.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "autograder/checks/check.h"
#include "autograder/report/text_report.h"
#include "autograder/sandbox/sandbox_host.h"
#include "autograder/sandbox/sandbox_user.h"
#include "autograder/sandbox/staging_folder.h"
#include "autograder/worker_kit/staged_kit.h"
#include "gtest/gtest.h"
#include "quiz/quiz.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCheckpoint = "models/shakespeare-gpt2";

// The course's rubric, but no mark hangs on how busy this machine is, and
// nobody waits long for what hangs.
Rubric RubricWithoutClock() {
  Rubric rubric = LoadRubric("autograder/rubric.toml", AllChecks());
  rubric.limits.call.seconds = 3;
  for (RubricPart& part : rubric.parts) {
    for (RubricTask& task : part.tasks) {
      for (RubricCheck& check : task.checks) {
        if (check.run != "speed.cached_generation") continue;
        check.settings["new_tokens"] = 30;
        check.tiers = {{1.1, 1}, {1, 0.5}};
      }
    }
  }
  return rubric;
}

class GradeSubmissionTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    kit_ = std::make_unique<StagedKit>(
        "autograder/worker_kit/worker_kit", kCheckpoint,
        SandboxHost{.user = ChooseSandboxUser()});
    rubric_ = std::make_unique<Rubric>(RubricWithoutClock());
    quiz_ = std::make_unique<Quiz>(LoadQuiz("modules/04_profiling/quiz.toml"));
  }
  static void TearDownTestSuite() {
    kit_.reset();
    rubric_.reset();
    quiz_.reset();
  }

  // Bazel shows files as links, which a submission may not be.
  static void CopyTo(const std::string& folder, const StagingFolder& to) {
    to.Copy(folder, "modules");
  }

  static Report Grade(const fs::path& path, std::optional<Judged> only = {}) {
    return GradeWith(*kit_, path, only);
  }
  static Report GradeWith(const StagedKit& kit, const fs::path& path,
                          std::optional<Judged> only = {}) {
    GradingOptions options;
    options.seed = 20240607;
    options.only = only;
    return GradeSubmission({*rubric_, kit, *quiz_, kCheckpoint, "full"}, path,
                           options);
  }

  // Puts `statement` before the line `line` of a file of module 3.
  static void Plant(const StagingFolder& folder, const std::string& file,
                    const std::string& line, const std::string& statement) {
    const std::string name = "modules/03_memoization/" + file;
    std::ifstream stream(folder.Path() / name);
    std::string text{std::istreambuf_iterator<char>(stream),
                     std::istreambuf_iterator<char>()};
    const std::size_t at = text.find(line + "\n");
    ASSERT_NE(at, std::string::npos) << line;
    text.insert(at, statement + "\n");
    fs::remove(folder.Path() / name);
    folder.WriteFile(name, "#include <unistd.h>\n" + text);
  }

  static std::unique_ptr<StagedKit> kit_;
  static std::unique_ptr<Rubric> rubric_;
  static std::unique_ptr<Quiz> quiz_;
};

std::unique_ptr<StagedKit> GradeSubmissionTest::kit_;
std::unique_ptr<Rubric> GradeSubmissionTest::rubric_;
std::unique_ptr<Quiz> GradeSubmissionTest::quiz_;

TEST_F(GradeSubmissionTest, TheSolutionsEarnEverything) {
  const StagingFolder folder(kit_->User());
  CopyTo("solutions", folder);
  const Report report = Grade(folder.Path());
  EXPECT_EQ(report.marks.Points(), 100) << BriefText(report);
}

TEST_F(GradeSubmissionTest, ReducedIsolationGivesTheSameMarks) {
  const StagedKit reduced(
      "autograder/worker_kit/worker_kit", kCheckpoint,
      {.user = ChooseSandboxUser(), .confinement = Confinement::kReduced});
  const StagingFolder folder(reduced.User());
  CopyTo("solutions", folder);
  const Report report = GradeWith(reduced, folder.Path());
  EXPECT_EQ(report.marks.Points(), 100) << BriefText(report);
}

TEST_F(GradeSubmissionTest, TheStubsEarnNothing) {
  const StagingFolder folder(kit_->User());
  CopyTo("modules", folder);
  const Report report = Grade(folder.Path());
  EXPECT_EQ(report.marks.Points(), 0) << BriefText(report);
  EXPECT_EQ(report.marks.MaxPoints(), 100);
}

std::map<std::string, std::string> LostChecks(const Marks& marks) {
  std::map<std::string, std::string> lost;
  for (const PartMark& part : marks.parts) {
    for (const TaskMark& task : part.tasks) {
      for (const CheckMark& mark : task.checks) {
        if (!mark.Passed()) lost[mark.check->name] = mark.came_back;
      }
    }
  }
  return lost;
}

// Four functions that few checks call: one crashes, one exits, one hangs, one
// floods every descriptor that it might have.
TEST_F(GradeSubmissionTest, FaultsCostTheChecksThatMeetThemAndNoOthers) {
  const StagingFolder folder(kit_->User());
  CopyTo("solutions", folder);
  Plant(folder, "memo_table.cc",
        "  // TODO(3.1): look [row, col] up in the table; what computes it is "
        "the",
        "  __builtin_trap();");
  Plant(folder, "kv_cache.cc", "  std::uint64_t bytes = 2;  // keys and values",
        "  ::_exit(0);");
  Plant(folder, "kv_cache.cc",
        "  for (LayerCache& layer : layers_) layer.Truncate(0);",
        "  for (;;) ::usleep(1000);");
  Plant(folder, "growing_cache.cc",
        "  Tensor4 all_keys = xt::concatenate(xt::xtuple(keys_, keys), 2);",
        "  static const char junk[4096] = {};\n"
        "  for (int n = 0; n < 2560; ++n)\n"
        "    for (int fd = 1; fd < 8; ++fd)\n"
        "      (void)!::write(fd, junk, sizeof(junk));");

  const Report report = Grade(folder.Path(), Judged::kModule3);
  auto lost = LostChecks(report.marks);
  EXPECT_EQ(lost.size(), 8U) << BriefText(report);
  const std::map<std::string, std::string> expected = {
      {"memo.lattice_paths", "signal 4"},
      {"bytes.random_shapes", "exit status 0"},
      {"bytes.known_models", "exit status 0"},
      {"bytes.overflow", "exit status 0"},
      {"kv_cache.reset", "no answer within 3 seconds"},
      {"enable.reset", "no answer within 3 seconds"},
      {"growing.contents", ""},
      {"growing.bytes", ""}};
  for (const auto& [name, message] : expected) {
    ASSERT_TRUE(lost.contains(name)) << name;
    EXPECT_NE(lost[name].find(message), std::string::npos) << lost[name];
  }
}

TEST_F(GradeSubmissionTest, WhatDoesNotCompileCostsItsModuleAndTheWhole) {
  const StagingFolder folder(kit_->User());
  CopyTo("solutions", folder);
  const std::string name = "modules/01_attention/attention.cc";
  fs::remove(folder.Path() / name);
  folder.WriteFile(name, "this is no C++\n");
  const Report report = Grade(folder.Path());
  EXPECT_EQ(report.marks.Points(), 100 - 16 - 4) << BriefText(report);
  EXPECT_NE(FullText(report).find("attention.cc:1:1: error"), std::string::npos)
      << FullText(report);
}

TEST_F(GradeSubmissionTest, WhatIsNoSubmissionEarnsNothingAndSaysWhy) {
  const StagingFolder folder(kit_->User());
  const Report report =
      Grade(folder.WriteFile("homework.zip", "this is no zip"));
  EXPECT_EQ(report.name, "homework");
  EXPECT_EQ(report.marks.Points(), 0);
  EXPECT_NE(FullText(report).find("no zip archive"), std::string::npos);
}

}  // namespace
}  // namespace kvlab::grading
