#include "autograder/machine/building/build_workers.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autograder/machine/building/linked_program.h"
#include "autograder/machine/compile_errors/compiler_errors.h"
#include "autograder/machine/compile_errors/linker_errors.h"
#include "autograder/machine/parallel/parallel.h"
#include "autograder/machine/sandbox/deadline.h"
#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/machine/sandbox/run.h"
#include "autograder/machine/sandbox/sandbox_command.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

// Places inside the sandbox.
constexpr const char* kCourse = "/course";
constexpr const char* kPrecompiled = "/precompiled";
constexpr const char* kObjects = "/objects";
constexpr const char* kArchives = "/archives";
constexpr const char* kAlone = "/alone";
constexpr const char* kWorkers = "/workers";

constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20U;
constexpr std::size_t kMaxFileBytes = 256 * kMegabyte;
constexpr SandboxLimits kCompilerLimits = {
    .cpu_seconds = 90,
    .address_space_bytes = 4096 * kMegabyte,
    .file_bytes = kMaxFileBytes,
    .processes = 40,
    .tmp_bytes = 256 * kMegabyte,
};

// A source file and what became of it.
struct Compilation {
  const ModuleFiles* module = nullptr;
  std::string source;  // "modules/01_attention/attention.cc"
  std::string object;  // "01_attention.attention.cc.o"
  RunResult result;
  bool was_kept = false;  // the object was there
};

void Append(std::vector<std::string>& command,
            const std::vector<std::string>& words) {
  command.insert(command.end(), words.begin(), words.end());
}

// What a tool said, for the author.
//   told: the useful part of its output
std::string ProblemText(const std::string& what, const RunResult& result,
                        const std::string& told) {
  if (!result.ending) return what + ": it took too long and was stopped";
  if (told.empty()) return what + ": " + EndingText(*result.ending);
  return what + ":\n" + told;
}

// Whether an object cannot be read, or speaks to valgrind.
bool ObjectSpeaksToValgrind(const fs::path& object) {
  constexpr std::size_t kMaxObjectBytes = 256 * kMegabyte;
  const std::optional<std::string> bytes =
      ReadRegularFile(object, kMaxObjectBytes);
  return !bytes || SpeaksToValgrind(*bytes);
}

class Builder {
 public:
  Builder(const StagedKit& kit, const Submission& submission,
          const BuildOptions& options)
      : kit_(kit),
        submission_(submission),
        options_(options),
        staging_(std::make_unique<StagingFolder>(kit.User())),
        objects_(staging_->MakeFolder("objects")),
        linking_(kit.KeeperHost().user),
        linked_(linking_.MakeWritable("workers")),
        deadline_(options.seconds) {}

  SubmissionBuild Build() {
    for (const ModuleFiles& module : kit_.Modules()) {
      if (IsWanted(module)) StageModule(module);
    }
    CompileAll();
    for (const Compilation& one : compilations_) Judge(one);
    LinkAll();
    for (auto& [name, worker] : build_.workers) HandOver(name, worker);
    build_.staging = std::move(staging_);
    return std::move(build_);
  }

 private:
  bool IsWanted(const ModuleFiles& module) const {
    return (!options_.alone && !options_.workers) ||
           std::ranges::any_of(
               kit_.Manifest().workers, [&](const WorkerRecipe& recipe) {
                 return IsWanted(recipe) &&
                        std::ranges::find(recipe.student_modules,
                                          module.folder) !=
                            recipe.student_modules.end();
               });
  }

  bool IsWanted(const WorkerRecipe& recipe) const {
    if (options_.alone) return recipe.name == options_.alone->worker;
    return !options_.workers ||
           std::ranges::find(*options_.workers, recipe.name) !=
               options_.workers->end();
  }

  // Lists the module's files, or says what keeps it from being compiled.
  void StageModule(const ModuleFiles& module) {
    ModuleBuild& build = build_.modules[module.folder];
    for (const std::string& file : module.files) {
      const std::string path = CoursePath(module, file);
      const SubmittedFile& submitted = submission_.files.at(path);
      if (!submitted.IsPresent()) {
        build.problem +=
            (build.Compiled() ? "" : "\n") + path + ": " + submitted.problem;
        build.complete = false;
      }
    }
    if (!build.Compiled()) return;
    for (const std::string& file : module.files) {
      const std::string path = CoursePath(module, file);
      compilations_.push_back(
          {&module, path, module.folder + "." + file + ".o", {}, false});
    }
  }

  // The object of a known source with the same content.
  const fs::path* KnownObject(const std::string& source) const {
    const std::string& content = submission_.files.at(source).content;
    for (const KnownBuild& known : options_.known) {
      const auto file = known.submission.files.find(source);
      const auto object = known.build.objects.find(source);
      if (file != known.submission.files.end() &&
          object != known.build.objects.end() &&
          file->second.content == content) {
        return &object->second;
      }
    }
    return nullptr;
  }

  void CompileAll() {
    std::vector<std::function<void()>> jobs;
    for (Compilation& one : compilations_) {
      if (const fs::path* object = KnownObject(one.source)) {
        staging_->Copy(*object, fs::path("objects") / one.object);
        one.result.ending = Ending{};
        continue;
      }
      jobs.emplace_back([this, &one] {
        if (!TakeCompiled(one)) one.result = Compile(one);
      });
    }
    RunInParallel(jobs.size(), [&](std::size_t i) { jobs[i](); });
  }

  std::string KeyOf(const Compilation& one) const {
    return options_.compiled->Key(
        {one.source, submission_.files.at(one.source).content},
        CompilerCommand(one));
  }

  // Whether the object was there.
  bool TakeCompiled(Compilation& one) const {
    if (options_.compiled == nullptr) return false;
    const std::optional<std::string> object =
        options_.compiled->Find(KeyOf(one));
    if (!object) return false;
    staging_->WriteFile(fs::path("objects") / one.object, *object);
    one.result.ending = Ending{};
    one.was_kept = true;
    return true;
  }

  std::vector<std::string> CompilerCommand(const Compilation& one) const {
    std::vector<std::string> command = {kit_.Manifest().compiler};
    Append(command, kit_.Manifest().compile_flags);
    // The compiler takes the image beside the header if it fits, and reads the
    // header if not.
    Append(command, {"-include", std::string(kPrecompiled) + "/" +
                                     kit_.Manifest().precompiled});
    if (options_.alone) Append(command, kit_.Manifest().alone_flags);
    // Warnings are for the student's own build; here they would hide errors.
    Append(command, {"-w", "-fmax-errors=20", "-iquote", "."});
    // Headers of xtensor under their later names (third_party/debian.bzl) may
    // be included as <...> too.
    Append(command, {"-idirafter", "."});
    Append(command,
           {"-c", one.source, "-o", std::string(kObjects) + "/" + one.object});
    return command;
  }

  RunResult Compile(const Compilation& one) const {
    const fs::path here = fs::path("compiling") / one.object;
    const fs::path course =
        staging_->NameAgain(kit_.Headers(), here / "course");
    staging_->WriteFile(here / "course" / one.source,
                        submission_.files.at(one.source).content);
    const fs::path objects = staging_->MakeWritable(here / "objects");
    SandboxSpec spec;
    spec.command = CompilerCommand(one);
    // Headers and one source, no archive: a compiler can embed any file that it
    // can read.
    spec.mounts = {{course, kCourse},
                   {kit_.Precompiled(), kPrecompiled},
                   {objects, kObjects, Access::kWritable}};
    spec.folder = kCourse;
    spec.limits = kCompilerLimits;
    RunResult result = RunInSandbox(
        spec, kit_.Host(), {.seconds = AtMost(options_.seconds_per_file)});
    if (result.Succeeded()) {
      staging_->WriteFile(
          fs::path("objects") / one.object,
          ReadRegularFile(objects / one.object, kMaxFileBytes).value_or(""));
    }
    return result;
  }

  void Judge(const Compilation& one) {
    ModuleBuild& build = build_.modules[one.module->folder];
    build.seconds += one.result.seconds;
    std::string problem;
    if (!one.result.Succeeded()) {
      problem = ProblemText(one.source + " does not compile", one.result,
                            CompilerErrors(one.result.output));
    } else if (ObjectSpeaksToValgrind(objects_ / one.object)) {
      problem = one.source +
                " holds instructions that speak to valgrind, under which the "
                "grader counts: take them out";
    }
    if (problem.empty()) {
      build_.objects[one.source] = objects_ / one.object;
      const std::string object =
          ReadRegularFile(objects_ / one.object, kMaxFileBytes).value_or("");
      linking_.WriteFile(fs::path("objects") / one.object, object);
      if (options_.compiled != nullptr && !one.was_kept) {
        options_.compiled->Keep(KeyOf(one), object);
      }
      return;
    }
    if (!build.Compiled()) build.problem += "\n";
    build.problem += problem;
  }

  void LinkAll() {
    std::vector<std::function<void()>> jobs;
    for (const WorkerRecipe& recipe : kit_.Manifest().workers) {
      if (!IsWanted(recipe)) continue;
      WorkerBuild& worker = build_.workers[recipe.name];
      worker.problem = WhatIsMissing(recipe);
      if (!worker.Built()) continue;
      jobs.emplace_back([this, &recipe, &worker] { Link(recipe, worker); });
    }
    RunInParallel(jobs.size(), [&](std::size_t i) { jobs[i](); });
  }

  std::string WhatIsMissing(const WorkerRecipe& recipe) const {
    for (const std::string& folder : recipe.student_modules) {
      const auto module = build_.modules.find(folder);
      if (module == build_.modules.end() || !module->second.Compiled()) {
        const bool incomplete =
            module != build_.modules.end() && !module->second.complete;
        return "modules/" + folder +
               (incomplete ? " lacks files" : " did not compile");
      }
    }
    return "";
  }

  std::vector<std::string> ObjectsOf(const WorkerRecipe& recipe) const {
    std::vector<std::string> objects;
    for (const Compilation& one : compilations_) {
      const std::vector<std::string>& modules = recipe.student_modules;
      if (std::ranges::find(modules, one.module->folder) != modules.end()) {
        objects.push_back(std::string(kObjects) + "/" + one.object);
      }
    }
    return objects;
  }

  void Link(const WorkerRecipe& recipe, WorkerBuild& worker) const {
    SandboxSpec spec;
    spec.command = {kit_.Manifest().compiler, "-o",
                    std::string(kWorkers) + "/" + recipe.name};
    // Objects from students are not fed to a compiler's plug-ins.
    Append(spec.command, {"-fno-lto", "-fno-use-linker-plugin"});
    if (!options_.alone) Append(spec.command, ObjectsOf(recipe));
    // All objects of the course, so that operations register, and so that a
    // student's definition of one of our names is an error.
    Append(spec.command, {"-Wl,--whole-archive"});
    for (const std::string& archive : recipe.archives) {
      spec.command.push_back(std::string(kArchives) + "/" + archive);
    }
    if (options_.alone) {
      // The first definition of a name counts, and any before a weak one: ours
      // of everything but the functions of the task.
      spec.command.push_back(fmt::format("{}/{}/{}.a", kAlone,
                                         recipe.student_modules.front(),
                                         options_.alone->task));
      Append(spec.command, {"-Wl,--allow-multiple-definition"});
      Append(spec.command, ObjectsOf(recipe));
    }
    Append(spec.command, {"-Wl,--no-whole-archive", "-pthread"});
    Append(spec.command, recipe.link_flags);
    spec.mounts = {{linking_.Path() / "objects", kObjects},
                   {kit_.Archives(), kArchives},
                   {kit_.Alone(), kAlone},
                   {linked_, kWorkers, Access::kWritable}};
    spec.limits = kCompilerLimits;
    const RunResult result =
        RunInSandbox(spec, kit_.KeeperHost(),
                     {.seconds = AtMost(options_.seconds_per_link)});
    if (!result.Succeeded()) {
      worker.problem =
          ProblemText("linking failed", result, LinkerErrors(result.output));
    } else {
      worker.problem = ProblemOfProgram(linked_ / recipe.name);
    }
  }

  // The keeper's program becomes one that the sandbox's user can run.
  void HandOver(const std::string& name, WorkerBuild& worker) const {
    if (!worker.Built()) return;
    const std::optional<std::string> program =
        ReadRegularFile(linked_ / name, kMaxFileBytes);
    if (!program) {
      worker.problem = "linking failed: it left no program";
      return;
    }
    worker.program = staging_->WriteFile(fs::path("workers") / name, *program);
  }

  // So many seconds, or those left for the whole build if fewer.
  double AtMost(double seconds) const {
    constexpr double kMillisecond = 1e-3;
    return std::min(seconds, deadline_.PollMilliseconds() * kMillisecond);
  }

  const StagedKit& kit_;
  const Submission& submission_;
  const BuildOptions& options_;
  std::unique_ptr<StagingFolder> staging_;
  fs::path objects_;
  StagingFolder linking_;  // the keeper's
  fs::path linked_;
  Deadline deadline_;
  std::vector<Compilation> compilations_;
  SubmissionBuild build_;
};

}  // namespace

SubmissionBuild BuildWorkers(const StagedKit& kit, const Submission& submission,
                             const BuildOptions& options) {
  return Builder(kit, submission, options).Build();
}

}  // namespace kvlab::grading
