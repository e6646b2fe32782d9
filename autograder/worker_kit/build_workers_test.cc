// Submissions compiled and run in real sandboxes.
#include "autograder/machine/building/build_workers.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "autograder/machine/building/compiled_files.h"
#include "autograder/machine/building/staged_kit.h"
#include "autograder/machine/checker/worker_endpoint.h"
#include "autograder/machine/sandbox/run.h"
#include "autograder/machine/sandbox/sandbox_command.h"
#include "autograder/machine/sandbox/sandbox_host.h"
#include "autograder/machine/sandbox/sandbox_user.h"
#include "autograder/machine/sandbox/staging_folder.h"
#include "autograder/machine/submission/submission.h"
#include "gtest/gtest.h"
#include "kit/files/temporary_folder.h"

namespace kvlab::grading {
namespace {

const std::string kAttention = "modules/01_attention/attention.cc";

// Staged once for all tests.
const StagedKit& Kit() {
  static const StagedKit kit("autograder/worker_kit/worker_kit",
                             "models/shakespeare-gpt2",
                             {.user = ChooseSandboxUser()});
  return kit;
}

Submission Solutions() {
  // Bazel shows files as links, which a submission may not be.
  const StagingFolder handed_in(Kit().User());
  handed_in.Copy("solutions", "solutions");
  return ReadSubmission(handed_in.Path(), Kit().Modules());
}

// Nothing but this text as module 1.
Submission OnlyAttention(const std::string& text) {
  Submission submission = Solutions();
  for (auto& [path, file] : submission.files) {
    file = {"", "", "it is missing"};
  }
  submission.files[kAttention] = {text, kAttention, ""};
  return submission;
}

std::string ProblemOf(const std::string& text, double seconds = 60) {
  const SubmissionBuild build =
      BuildWorkers(Kit(), OnlyAttention(text), {.seconds_per_file = seconds});
  EXPECT_FALSE(build.workers.at("01_attention").Built());
  return build.modules.at("01_attention").problem;
}

TEST(BuildWorkersTest, TheSolutionsBecomeWorkersThatAnswer) {
  const SubmissionBuild build = BuildWorkers(Kit(), Solutions());
  for (const auto& [folder, module] : build.modules) {
    EXPECT_EQ(module.problem, "") << folder;
  }
  ASSERT_EQ(build.workers.size(), Kit().Manifest().workers.size());
  for (const auto& [name, worker] : build.workers) {
    ASSERT_EQ(worker.problem, "") << name;
    WorkerEndpoint endpoint({.program = worker.program, .host = Kit().Host()});
    const Reply reply = endpoint.Call({"work.counted", {}}, {});
    EXPECT_EQ(reply.status, Status::kOk) << name << ": " << reply.message;
  }
}

// -H lists the headers that the compiler opens, and an image that it takes
// after "!".
std::string HeadersOpened(const std::vector<std::string>& more_flags) {
  SandboxSpec spec;
  spec.command = {Kit().Manifest().compiler};
  for (const std::vector<std::string>& flags :
       {Kit().Manifest().compile_flags, more_flags}) {
    spec.command.insert(spec.command.end(), flags.begin(), flags.end());
  }
  for (const char* word : {"-H", "-include", "/precompiled/course.h", "-x",
                           "c++", "-fsyntax-only", "/dev/null"}) {
    spec.command.emplace_back(word);
  }
  spec.mounts = {{Kit().Precompiled(), "/precompiled"}};
  const RunResult result = RunInSandbox(spec, Kit().Host(), {});
  EXPECT_TRUE(result.Succeeded()) << result.output;
  return result.output;
}

// Without one a source takes twice as long.
TEST(BuildWorkersTest, AnImageOfTheHeaderFitsTheFlags) {
  const std::string together = HeadersOpened({});
  EXPECT_NE(together.find("! /precompiled/course.h.gch/together\n"),
            std::string::npos)
      << together;
  const std::string alone = HeadersOpened(Kit().Manifest().alone_flags);
  EXPECT_NE(alone.find("! /precompiled/course.h.gch/alone\n"),
            std::string::npos)
      << alone;
}

TEST(BuildWorkersTest, KnownSourcesAreNotCompiledAgainAndOthersAre) {
  std::vector<KnownBuild> known(1);
  known[0].submission = Solutions();
  known[0].build = BuildWorkers(Kit(), known[0].submission);
  Submission submission = Solutions();
  submission.files[kAttention].content += "\n";
  const SubmissionBuild build =
      BuildWorkers(Kit(), submission, {.known = known});
  EXPECT_GT(build.modules.at("01_attention").seconds, 0);
  EXPECT_EQ(build.modules.at("02_transformer").seconds, 0);
  EXPECT_EQ(build.modules.at("03_memoization").seconds, 0);
  for (const auto& [name, worker] : build.workers) {
    ASSERT_EQ(worker.problem, "") << name;
    WorkerEndpoint endpoint({.program = worker.program, .host = Kit().Host()});
    EXPECT_EQ(endpoint.Call({"work.counted", {}}, {}).status, Status::kOk);
  }
}

double CompilingSeconds(const SubmissionBuild& build) {
  double seconds = 0;
  for (const auto& [folder, module] : build.modules) seconds += module.seconds;
  return seconds;
}

TEST(CompiledFilesTest, AFileThatWasCompiledBeforeIsNotCompiledAgain) {
  const TemporaryFolder folder;
  const CompiledFiles compiled(folder.Path(), Kit());
  const BuildOptions options = {
      .compiled = &compiled,
      .workers = std::vector<std::string>{"01_attention"}};
  EXPECT_GT(CompilingSeconds(BuildWorkers(Kit(), Solutions(), options)), 0);
  const SubmissionBuild again = BuildWorkers(Kit(), Solutions(), options);
  EXPECT_EQ(CompilingSeconds(again), 0);
  WorkerEndpoint endpoint({.program = again.workers.at("01_attention").program,
                           .host = Kit().Host()});
  EXPECT_EQ(endpoint.Call({"work.counted", {}}, {}).status, Status::kOk);

  Submission changed = Solutions();
  changed.files[kAttention].content += "\n";
  EXPECT_GT(CompilingSeconds(BuildWorkers(Kit(), changed, options)), 0);
}

TEST(CompiledFilesTest, WhatDoesNotCompileOrIsDamagedIsNotUsed) {
  const TemporaryFolder folder;
  const CompiledFiles compiled(folder.Path(), Kit());
  const BuildOptions options = {
      .compiled = &compiled,
      .workers = std::vector<std::string>{"01_attention"}};
  BuildWorkers(Kit(), OnlyAttention("int x = 1"), options);
  EXPECT_TRUE(std::filesystem::is_empty(folder.Path()));
  BuildWorkers(Kit(), OnlyAttention("int x = 1;"), options);
  for (const auto& entry : std::filesystem::directory_iterator(folder.Path())) {
    std::ofstream(entry.path(), std::ios::app) << "one byte more";
  }
  const SubmissionBuild again =
      BuildWorkers(Kit(), OnlyAttention("int x = 1;"), options);
  EXPECT_GT(CompilingSeconds(again), 0);
}

TEST(CompiledFilesTest, ItsKeyHasContentPathAndCommand) {
  const TemporaryFolder folder;
  const CompiledFiles compiled(folder.Path(), Kit());
  const std::vector<std::string> command = {"g++", "-O2"};
  const std::string key = compiled.Key({"modules/a.cc", "text"}, command);
  EXPECT_EQ(compiled.Key({"modules/a.cc", "text"}, command), key);
  EXPECT_NE(compiled.Key({"modules/a.cc", "text "}, command), key);
  EXPECT_NE(compiled.Key({"modules/b.cc", "text"}, command), key);
  EXPECT_NE(compiled.Key({"modules/a.cc", "text"},
                         std::vector<std::string>{"g++", "-O3"}),
            key);
  EXPECT_NE(compiled.Key({"modules/a.cc", "text"},
                         std::vector<std::string>{"g++-O2"}),
            key);
  EXPECT_EQ(compiled.Find(key), std::nullopt);
}

TEST(CompiledFilesTest, TheObjectsUsedLongestAgoAreRemoved) {
  const TemporaryFolder folder;
  const CompiledFiles compiled(folder.Path(), Kit());
  compiled.Keep("old", std::string(1000, 'o'));
  compiled.Keep("new", std::string(1000, 'n'));
  std::filesystem::last_write_time(
      folder.Path() / "old",
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  const CompiledFiles smaller(folder.Path(), Kit(), 1500);
  EXPECT_EQ(smaller.Find("old"), std::nullopt);
  EXPECT_EQ(smaller.Find("new"), std::string(1000, 'n'));
}

// An object that depended on them could not be used for another submission.
TEST(BuildWorkersTest, AFileSeesNoOtherFileOfItsSubmission) {
  Submission submission = Solutions();
  std::string& content = submission.files[kAttention].content;
  const std::string correct = content;
  for (const char* line :
       {"#include \"modules/03_memoization/kv_cache.cc\"\n",
        "asm(\".incbin \\\"/objects/02_transformer.gpt2.cc.o\\\"\");\n"}) {
    content = correct + line;
    const SubmissionBuild build = BuildWorkers(
        Kit(), submission, {.workers = std::vector<std::string>{"everything"}});
    EXPECT_FALSE(build.modules.at("01_attention").Compiled()) << line;
  }
}

TEST(BuildWorkersTest, OnlyWhatIsAskedForIsBuilt) {
  const SubmissionBuild build =
      BuildWorkers(Kit(), Solutions(),
                   {.workers = std::vector<std::string>{"02_transformer"}});
  EXPECT_EQ(build.workers.size(), 1U);
  EXPECT_TRUE(build.workers.at("02_transformer").Built());
  EXPECT_EQ(build.modules.size(), 1U);
}

TEST(BuildWorkersTest, TheReferenceWorkerAnswers) {
  WorkerEndpoint endpoint({.program = Kit().ReferenceWorker(),
                           .model = Kit().Model(),
                           .host = Kit().Host()});
  EXPECT_EQ(endpoint.Call({"work.counted", {}}, {}).status, Status::kOk);
}

TEST(BuildWorkersTest, SaysWhatIsMissing) {
  const SubmissionBuild build =
      BuildWorkers(Kit(), OnlyAttention("syntax error"));
  EXPECT_EQ(build.modules.at("02_transformer").problem,
            "modules/02_transformer/layers.cc: it is missing\n"
            "modules/02_transformer/gpt2.cc: it is missing\n"
            "modules/02_transformer/generate.cc: it is missing");
  EXPECT_EQ(build.workers.at("02_transformer").problem,
            "modules/02_transformer lacks files");
  EXPECT_EQ(build.workers.at("everything").problem,
            "modules/01_attention did not compile");
}

TEST(BuildWorkersTest, AnErrorIsToldAsTheCompilerToldIt) {
  EXPECT_EQ(ProblemOf("int x = 1\r\n"),
            "modules/01_attention/attention.cc does not compile:\n"
            "modules/01_attention/attention.cc:1:10: error: expected ',' or "
            "';' at end of input\n"
            "    1 | int x = 1\n"
            "      |          ^");
}

// Whatever the places are called where they are not mounted.
TEST(BuildWorkersTest, ReducedIsolationTellsErrorsInTheSameWords) {
  const StagedKit reduced(
      "autograder/worker_kit/worker_kit", "models/shakespeare-gpt2",
      {.user = ChooseSandboxUser(), .confinement = Confinement::kReduced});
  const auto problems = [](const StagedKit& kit, const std::string& text) {
    const SubmissionBuild build = BuildWorkers(kit, OnlyAttention(text));
    return build.modules.at("01_attention").problem +
           build.workers.at("01_attention").problem;
  };
  for (const std::string text :
       {"int x = 1", "int unrelated;", "#include \"/course/none.h\"",
        "int main() { return 0; }"}) {
    EXPECT_EQ(problems(reduced, text), problems(Kit(), text));
  }
}

TEST(BuildWorkersTest, CodeThatLacksFunctionsFailsToLink) {
  const SubmissionBuild build =
      BuildWorkers(Kit(), OnlyAttention("int unrelated;"));
  EXPECT_TRUE(build.modules.at("01_attention").Compiled());
  const std::string& problem = build.workers.at("01_attention").problem;
  EXPECT_TRUE(problem.starts_with("linking failed:\n")) << problem;
  EXPECT_NE(problem.find("undefined reference to `kvlab::SplitHeads"),
            std::string::npos)
      << problem;
}

TEST(BuildWorkersTest, ASecondMainFailsToLink) {
  const SubmissionBuild build =
      BuildWorkers(Kit(), OnlyAttention("int main() { return 0; }"));
  EXPECT_NE(
      build.workers.at("01_attention").problem.find("multiple definition of"),
      std::string::npos);
}

TEST(BuildWorkersTest, TheCompilerSeesNoFilesButTheCourse) {
  for (const std::string file :
       {"/etc/passwd", "solutions/01_attention/attention.cc",
        "autograder/machine/protocol/message.h", "/archives/manifest.json",
        "../kit/manifest.json"}) {
    const std::string problem = ProblemOf("#include \"" + file + "\"\n");
    EXPECT_NE(problem.find("No such file or directory"), std::string::npos)
        << problem;
  }
  const std::string problem =
      ProblemOf("asm(\".incbin \\\"/archives/kit/liberror.a\\\"\");\n");
  EXPECT_NE(problem.find("file not found"), std::string::npos) << problem;
}

TEST(BuildWorkersTest, CompileBombsEndAtALimitThatTheAuthorIsTold) {
  const auto expect_told = [](const std::string& bomb, const std::string& why) {
    const std::string problem = ProblemOf(bomb);
    EXPECT_NE(problem.find(why), std::string::npos) << bomb << problem;
  };
  expect_told(
      "template <unsigned long N> struct T { T<N + 1> next; };\n"
      "T<0> bomb;\n",
      "template instantiation depth exceeds");
  expect_told(
      "constexpr unsigned long Spin() { for (;;) {} }\n"
      "constexpr unsigned long bomb = Spin();\n",
      "loop iteration count exceeds limit");
  expect_told("char bomb[10000000000] = {1};\n", "File size limit exceeded");
  expect_told("asm(\".fill 10000000000\");\n", "File size limit exceeded");
}

TEST(BuildWorkersTest, CompilingEndsAtADeadline) {
  // 2^24 types
  const std::string bomb =
      "template <int N, long M> struct T {\n"
      "  T<N - 1, 2 * M> a;\n"
      "  T<N - 1, 2 * M + 1> b;\n"
      "};\n"
      "template <long M> struct T<0, M> {};\n"
      "T<24, 1> bomb;\n";
  EXPECT_EQ(ProblemOf(bomb, 2),
            "modules/01_attention/attention.cc does not compile: it took too "
            "long and was stopped");
}

}  // namespace
}  // namespace kvlab::grading
