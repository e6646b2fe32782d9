// Whole submissions, compiled and run in real sandboxes.
#include "autograder/grade_submission.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/machine/building/staged_kit.h"
#include "autograder/machine/sandbox/sandbox_host.h"
#include "autograder/machine/sandbox/sandbox_user.h"
#include "autograder/machine/sandbox/staging_folder.h"
#include "autograder/machine/submission/module_files.h"
#include "autograder/report/authors_view.h"
#include "autograder/report/autolab.h"
#include "autograder/report/check_rows.h"
#include "autograder/report/classroom50.h"
#include "autograder/report/gradescope.h"
#include "autograder/report/html_report.h"
#include "autograder/report/junit.h"
#include "autograder/report/prairielearn.h"
#include "autograder/report/sizes.h"
#include "autograder/report/text_report.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "quiz/quiz.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCheckpoint = "models/shakespeare-gpt2";

// The course's rubric, except that no mark depends on how busy this machine is,
// and time limits are short.
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
    quizzes_ = std::make_unique<Quizzes>(LoadQuizzes(".", kit_->Modules()));
  }
  static void TearDownTestSuite() {
    kit_.reset();
    rubric_.reset();
    quizzes_.reset();
  }

  // Bazel shows files as links, which a submission may not be.
  static void CopyTo(const std::string& folder, const StagingFolder& to) {
    to.Copy(folder, "modules");
  }

  static Report Grade(const fs::path& path,
                      const std::vector<std::string>& only = {}) {
    return GradeWith(*kit_, path, only);
  }
  static Report GradeWith(const StagedKit& kit, const fs::path& path,
                          const std::vector<std::string>& only = {}) {
    GradingOptions options;
    options.seed = 20240607;
    options.only = only;
    return GradeSubmission({*rubric_, kit, *quizzes_, kCheckpoint, "full"},
                           path, options);
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
  static std::unique_ptr<Quizzes> quizzes_;
};

std::unique_ptr<StagedKit> GradeSubmissionTest::kit_;
std::unique_ptr<Rubric> GradeSubmissionTest::rubric_;
std::unique_ptr<Quizzes> GradeSubmissionTest::quizzes_;

std::vector<CheckMark> MarksOf(const Report& report) {
  std::vector<CheckMark> marks;
  for (const PartMark& part : report.marks.parts) {
    for (const TaskMark& task : part.tasks) {
      marks.insert(marks.end(), task.checks.begin(), task.checks.end());
    }
  }
  return marks;
}

// All points but `lost`, and the bonus, of what this machine was quiet enough
// to judge.
void ExpectAllPointsBut(double lost, const Report& report) {
  const Marks& marks = report.marks;
  EXPECT_EQ(marks.Points(),
            marks.JudgedPoints() + marks.MaxBonusPoints() - lost)
      << BriefText(report);
  for (const CheckMark& mark : MarksOf(report)) {
    EXPECT_TRUE(!mark.blocked || mark.check->run == "speed.cached_generation")
        << mark.check->name << ": " << mark.came_back;
  }
}

TEST_F(GradeSubmissionTest, TheSolutionsEarnEverything) {
  const StagingFolder folder(kit_->User());
  CopyTo("solutions", folder);
  const Report report = Grade(folder.Path());
  EXPECT_EQ(report.marks.MaxPoints(), 100);
  ExpectAllPointsBut(0, report);
}

TEST_F(GradeSubmissionTest, ReducedIsolationGivesTheSameMarks) {
  const StagedKit reduced(
      "autograder/worker_kit/worker_kit", kCheckpoint,
      {.user = ChooseSandboxUser(), .confinement = Confinement::kReduced});
  const StagingFolder folder(reduced.User());
  CopyTo("solutions", folder);
  const Report report = GradeWith(reduced, folder.Path());
  EXPECT_EQ(report.marks.MaxPoints(), 100);
  ExpectAllPointsBut(0, report);
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

std::vector<std::string> AllFormats(const Report& report) {
  return {GradescopeJson(report), PrairieLearnJson(report), AutolabLine(report),
          Classroom50Json(report), JunitXml(report)};
}

// Four functions that few checks call: one crashes, one exits, one hangs, one
// floods every descriptor that it might have.
TEST_F(GradeSubmissionTest, FaultsCostTheChecksThatMeetThemAndNoOthers) {
  const StagingFolder folder(kit_->User());
  CopyTo("solutions", folder);
  Plant(folder, "memo_table.cc",
        "  return table.LookUp(row, col, [&]() -> std::uint64_t {",
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

  const Report report = Grade(folder.Path(), {"03_memoization"});
  auto lost = LostChecks(report.marks);
  const std::map<std::string, std::string> expected = {
      {"memo.lattice_paths", "signal 4"},
      {"bytes.random_shapes", "exit status 0"},
      {"bytes.known_models", "exit status 0"},
      {"bytes.overflow", "exit status 0"},
      {"kv_cache.reset", "no answer within 3 seconds"},
      {"enable.reset", "no answer within"},  // less, after so many
      {"growing.contents", ""},
      {"growing.bytes", ""}};
  for (const auto& [name, message] : expected) {
    ASSERT_TRUE(lost.contains(name)) << name;
    EXPECT_NE(lost[name].find(message), std::string::npos) << lost[name];
  }
  // Other checks call these functions too, and are reported as consequences.
  for (const CheckMark& mark : MarksOf(report)) {
    if (mark.Passed() || mark.blocked) continue;
    if (expected.contains(mark.check->name)) continue;
    EXPECT_NE(mark.follows, "") << mark.check->name << ": " << mark.came_back;
  }
}

TEST_F(GradeSubmissionTest, WhatDoesNotCompileCostsItsModuleAndTheWhole) {
  const StagingFolder folder(kit_->User());
  CopyTo("solutions", folder);
  const std::string name = "modules/01_attention/attention.cc";
  fs::remove(folder.Path() / name);
  folder.WriteFile(name, "this is no C++\n");
  const Report report = Grade(folder.Path());
  double lost = 0;
  for (const PartMark& part : report.marks.parts) {
    if (!part.trouble.empty()) lost += part.part->Points();
  }
  EXPECT_GT(lost, 0);
  ExpectAllPointsBut(lost, report);
  EXPECT_NE(FullText(report).find("attention.cc:1:1: error"), std::string::npos)
      << FullText(report);
}

// Every file has five errors, as when a header's name is misspelt.
TEST_F(GradeSubmissionTest, WhatNeverCompilesFitsEveryPlatform) {
  const StagingFolder folder(kit_->User());
  std::string errors;
  for (int n = 0; n < 5; ++n) {
    errors += "unknown" + std::to_string(n) + " " + std::string(60, 'x') +
              std::to_string(n) + ";\n";
  }
  for (const ModuleFiles& module : kit_->Modules()) {
    for (const std::string& file : module.files) {
      folder.WriteFile(module.folder + "/" + file, errors);
    }
  }
  const Report report = Grade(folder.Path());
  EXPECT_EQ(report.marks.Points(), 0);
  const std::size_t checks = CheckRows(report).size();
  for (const std::string& text : AllFormats(report)) {
    EXPECT_LT(text.size(), 1000 * checks)
        << "the errors of a module are reported once, not with each check";
    EXPECT_LT(text.size(), kMostReportBytes);
  }
  // Nor does what fails in every check of the rubric at length.
  Report worst = report;
  for (PartMark& part : worst.marks.parts) {
    part.trouble.clear();
    for (TaskMark& task : part.tasks) {
      for (CheckMark& mark : task.checks) {
        mark.run = true;
        mark.came_back = mark.measured = mark.follows =
            std::string(100000, '<');
      }
    }
  }
  for (const std::string& text : AllFormats(worst)) {
    EXPECT_LE(text.size(), kMostReportBytes);
  }
  EXPECT_LE(WithinBytes(worst, kMostReportBytes, FullText).size(),
            kMostReportBytes);
  EXPECT_LE(WithinBytes(worst, kMostPageBytes, HtmlReport).size(),
            kMostPageBytes);
}

// The report says why so many points are missing.
TEST_F(GradeSubmissionTest, AReportSaysThatTheTimeWasUsedUp) {
  const StagingFolder folder(kit_->User());
  CopyTo("solutions", folder);
  Rubric hasty = *rubric_;
  hasty.limits.submission_seconds = 0.05;
  GradingOptions options;
  options.seed = 20240607;
  options.only = {"01_attention"};
  const Report report = GradeSubmission(
      {hasty, *kit_, *quizzes_, kCheckpoint, "full"}, folder.Path(), options);
  EXPECT_LT(report.marks.Points(), report.marks.MaxPoints());
  EXPECT_THAT(FullText(report), ::testing::HasSubstr("all that a submission"));
}

TEST_F(GradeSubmissionTest, RubricsForModulesThatDoNotExistAreRefused) {
  const auto error_with = [](const std::string& part, const std::string& name) {
    Rubric rubric = *rubric_;
    std::ranges::find(rubric.parts, part, &RubricPart::title)->module = name;
    try {
      ExpectModulesOf({rubric, *kit_, *quizzes_, kCheckpoint, "full"});
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(error_with("Module 2: transformer", "02_transformer"), "accepted");
  EXPECT_THAT(error_with("Module 2: transformer", "09_none"),
              ::testing::HasSubstr("there is no module '09_none'"));
  EXPECT_THAT(error_with("Concepts: the checks of module 4", "01_attention"),
              ::testing::HasSubstr("no concept checks of '01_attention'"));
}

TEST_F(GradeSubmissionTest, ConceptChecksWithoutAnAnswerSheetAreRefused) {
  std::vector<ModuleFiles> modules = kit_->Modules();
  EXPECT_EQ(LoadQuizzes(".", modules).count("04_profiling"), 1U);
  for (ModuleFiles& module : modules) module.papers.clear();
  EXPECT_THROW(LoadQuizzes(".", modules), DataError);
}

// An answer cannot be found out by handing in again.
TEST_F(GradeSubmissionTest, AConcealedAnswerChangesNothingThatIsShown) {
  std::vector<std::vector<std::string>> shown;
  for (const char* answer : {"a", "b", "c", "d"}) {
    const StagingFolder folder(kit_->User());
    folder.WriteFile("answers.json",
                     fmt::format("{{\"student\": \"kvlab\", \"answers\": "
                                 "{{\"quadratic\": \"{}\"}}}}",
                                 answer));
    Report report = Grade(folder.Path());
    report.name = "a submission";
    report.graded_at = "2027-01-15T22:59:00";
    report.build_seconds = report.check_seconds = 0;
    for (PartMark& part : report.marks.parts) {
      for (TaskMark& task : part.tasks) {
        for (CheckMark& mark : task.checks) mark.seconds = 0;
      }
    }
    shown.push_back(AllFormats(report));
    shown.back().push_back(FullText(AuthorsView(report).Visible()));
    EXPECT_EQ(shown.back(), shown.front());
  }
}

TEST_F(GradeSubmissionTest, FilesAreTakenHoweverTheyWereUploaded) {
  const StagingFolder course(kit_->User());
  CopyTo("solutions", course);
  const StagingFolder flat(kit_->User());
  for (const ModuleFiles& module : kit_->Modules()) {
    for (const auto* names : {&module.files, &module.papers}) {
      for (const std::string& file : *names) {
        flat.Copy(course.Path() / CoursePath(module, file), file);
      }
    }
  }
  const Report report = Grade(flat.Path(), {"01_attention"});
  EXPECT_EQ(report.marks.Points(), report.marks.MaxPoints())
      << BriefText(report);
  EXPECT_NE(FullText(report).find("taken by name"), std::string::npos);
}

TEST_F(GradeSubmissionTest, WhatHoldsNothingThatWasAskedForIsToldSo) {
  const StagingFolder folder(kit_->User());
  folder.WriteFile("homework.txt", "");
  const std::string text = FullText(Grade(folder.Path(), {"01_attention"}));
  EXPECT_NE(text.find("none of the"), std::string::npos) << text;
  EXPECT_NE(text.find("it is missing"), std::string::npos) << text;
  EXPECT_EQ(text.find("does not compile"), std::string::npos) << text;
}

TEST_F(GradeSubmissionTest, WhatIsNoSubmissionEarnsNothingAndSaysWhy) {
  const StagingFolder folder(kit_->User());
  const Report report = Grade(folder.WriteFile("homework.zip", "not a zip"));
  EXPECT_EQ(report.name, "homework");
  EXPECT_EQ(report.marks.Points(), 0);
  EXPECT_NE(FullText(report).find("not a zip archive"), std::string::npos);
}

}  // namespace
}  // namespace kvlab::grading
