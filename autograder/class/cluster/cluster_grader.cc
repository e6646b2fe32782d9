#include "autograder/class/cluster/cluster_grader.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "autograder/class/cluster/shared_jobs.h"
#include "autograder/class/cluster/slurm.h"
#include "autograder/class/grading.h"
#include "autograder/class/mark_record.h"
#include "autograder/machine/text/printable.h"
#include "autograder/report/report.h"
#include "fmt/format.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// How often results are looked for, and, the longer nothing happens, the less
// often, Slurm is asked.
constexpr std::chrono::milliseconds kPause{200};
constexpr std::chrono::milliseconds kFirstAsk{500};
constexpr std::chrono::milliseconds kLastAsk{16000};
// A network file system may show a result this much later to this host.
constexpr int kAsksUntilLost = 8;
constexpr int kMostLost = 3;
// Of what a node's shell found, see Script().
constexpr int kNoFolder = 77;
constexpr int kNoProgram = 76;
// Slurm's usual limit of an array, MaxArraySize, is 1001.
constexpr std::size_t kMostTasks = 1000;

std::string Script(const SharedJobs& jobs, const std::string& array,
                   const std::string& command) {
  const std::string keys = ShellQuoted(jobs.KeysOf(array).string());
  return fmt::format(
      "[ -r {keys} ] || exit {no_folder}\n"
      "{command} {keys} >{log}$SLURM_ARRAY_TASK_ID 2>&1\n"
      "status=$?\n"
      "[ $status -lt 126 ] || [ $status -gt 127 ] || status={no_program}\n"
      "exit $status\n",
      fmt::arg("keys", keys), fmt::arg("no_folder", kNoFolder),
      fmt::arg("command", command),
      fmt::arg("log",
               ShellQuoted(jobs.KeysOf(array).parent_path().string() + '/')),
      fmt::arg("no_program", kNoProgram));
}

std::string FreshName() {
  std::random_device device;
  return fmt::format("kvlab-{:08x}{:08x}", device(), device());
}

// Not closed in programs that this one starts: sbatch may outlive it.
FileDescriptor TakeLock(const fs::path& folder) {
  constexpr int kMode = 0600;
  FileDescriptor lock(
      ::open((folder / "lock").c_str(), O_RDWR | O_CREAT, kMode));
  if (!lock.IsOpen()) {
    throw std::runtime_error("cannot write " + folder.string());
  }
  if (::flock(lock.Number(), LOCK_EX | LOCK_NB) != 0) {
    throw DataError("another class grade --on slurm works at this class",
                    "one process takes in the results",
                    "wait for it, or end it: its jobs go on, and the next one "
                    "takes in their results");
  }
  return lock;
}

}  // namespace

ClusterGrader::ClusterGrader(const ClassGrader& here, const fs::path& folder,
                             std::string command)
    : here_(here),
      jobs_(fs::absolute(folder).lexically_normal()),
      command_(std::move(command)),
      lock_(TakeLock(jobs_.Folder())),
      name_(FreshName()) {
  AdoptRunning();
  watcher_ =
      std::jthread([this](const std::stop_token& stop) { WatchJobs(stop); });
}

ClusterGrader::~ClusterGrader() = default;

ClassGrader ClusterGrader::Grader() {
  return {.rubric = here_.rubric,
          .course_version = here_.course_version,
          .machine = here_.machine,
          .program = here_.program,
          .deferred = here_.deferred,
          .grade = [this](const GradingJob& job,
                          const OnStep& step) { return Grade(job, step); },
          .elsewhere =
              [this](const std::string& student) {
                const std::scoped_lock lock(mutex_);
                return given_.at(student).machine;
              },
          .kept =
              [this](const std::string& student) {
                const std::scoped_lock lock(mutex_);
                jobs_.Remove(given_.at(student).key);
              }};
}

std::map<std::string, std::string> ClusterGrader::Unfit() const {
  const std::scoped_lock lock(mutex_);
  return unfit_;
}

// Which jobs of an earlier process still run; the others' arrays are removed.
void ClusterGrader::AdoptRunning() {
  std::optional<std::vector<SlurmTask>> tasks;
  for (; !tasks; tasks = TasksOfUser()) ExpectSlurm();
  std::set<Task> alive;
  for (const SlurmTask& task : *tasks) {
    if (task.IsAlive()) alive.insert({task.array, task.index});
  }
  for (const SharedJobs::Array& array : jobs_.Arrays()) {
    bool runs = false;
    for (std::size_t i = 0; i < array.keys.size(); ++i) {
      const Task task = {array.name, i};
      if (!alive.contains(task)) continue;
      runs = true;
      running_[array.keys[i]] = task;
    }
    if (!runs) jobs_.RemoveArray(array.name);
  }
}

Report ClusterGrader::Grade(const GradingJob& job, const OnStep& on_step) {
  const std::string key = jobs_.Put(job, here_);
  std::unique_lock lock(mutex_);
  Waiting& waiting = waiting_[key];
  waiting.timed = job.timed;
  if (const auto found = running_.find(key); found != running_.end()) {
    waiting.task = found->second;
  }
  std::string shown;
  while (!waiting.result && !waiting.not_now) {
    if (waiting.state != shown) {
      shown = waiting.state;
      lock.unlock();
      on_step(shown);
      lock.lock();
      continue;
    }
    changed_.wait(lock);
  }
  const std::optional<JobResult> result = std::move(waiting.result);
  waiting_.erase(key);
  if (!result) throw NotJudgedNow("no node may judge it");
  if (!result->failed.empty()) {
    // The next call tries again.
    jobs_.RemoveResult(key);
    throw std::runtime_error(result->failed);
  }
  given_[job.student] = {.key = key,
                         .machine = result->machine + ", node " + result->node};
  lock.unlock();
  return ReportFrom(result->marks, here_.rubric);
}

void ClusterGrader::WatchJobs(const std::stop_token& stop) {
  std::chrono::milliseconds ask = kFirstAsk;
  Clock::time_point next = Clock::now() + ask;
  for (; !stop.stop_requested(); std::this_thread::sleep_for(kPause)) {
    const bool is_time = Clock::now() >= next;
    // Before the results: what ended by now has written its result by then.
    const auto tasks =
        is_time ? TasksOfUser() : std::optional<std::vector<SlurmTask>>();
    std::map<Task, const SlurmTask*> known;
    if (tasks) {
      for (const SlurmTask& task : *tasks) {
        known[{task.array, task.index}] = &task;
      }
    }
    const std::scoped_lock lock(mutex_);
    for (auto& [key, waiting] : waiting_) {
      TakeIn(key, waiting);
      if (!is_time || !waiting.task || waiting.result) continue;
      if (!tasks) {
        waiting.state = "waiting until Slurm answers again";
        continue;
      }
      const auto found = known.find(*waiting.task);
      Follow(waiting, found == known.end() ? nullptr : found->second);
    }
    const int arrays = arrays_;
    if (is_time || !is_refused_) {
      is_refused_ = false;
      SubmitAll(TimedChecks::kDeferred);
      SubmitAll(TimedChecks::kMeasured);
    }
    changed_.notify_all();
    if (arrays != arrays_) ask = kFirstAsk;
    if (!is_time && arrays == arrays_) continue;
    next = Clock::now() + ask;
    ask = std::min(2 * ask, kLastAsk);
  }
}

void ClusterGrader::TakeIn(const std::string& key, Waiting& waiting) {
  if (waiting.result) return;
  std::optional<JobResult> result = jobs_.ResultOf(key);
  if (!result) return;
  if (result->unfit.empty()) {
    waiting.result = std::move(result);
    return;
  }
  unfit_.emplace(result->node, result->unfit);
  jobs_.RemoveResult(key);
  waiting.task.reset();
}

// A job without a result; null: Slurm does not know its task any more.
void ClusterGrader::Follow(Waiting& waiting, const SlurmTask* task) {
  if (task != nullptr && task->IsAlive() && !task->IsHeldBySlurm()) {
    waiting.state = task->node.empty()
                        ? fmt::format("waits in Slurm ({})", task->reason)
                        : "runs on " + task->node;
    return;
  }
  if (task != nullptr &&
      (task->exit_status == kNoFolder || task->exit_status == kNoProgram)) {
    unfit_.emplace(
        task->node,
        task->exit_status == kNoFolder
            ? "it does not see " + jobs_.Folder().string() +
                  "; give a folder that all nodes share with --shared"
            : "it cannot start kvlab; share its folder with the nodes, or "
              "build it there under the same path");
    waiting.task.reset();
    return;
  }
  if (task != nullptr && task->state == "COMPLETED" &&
      ++waiting.unseen < kAsksUntilLost) {
    return;
  }
  waiting.unseen = 0;
  const std::string what =
      task == nullptr
          ? "Slurm does not know its job any more"
          : fmt::format("its job {} on {} ended without a result: {}",
                        task->job, task->node.empty() ? "no node" : task->node,
                        task->state);
  if (task != nullptr && task->IsAlive()) Cancel(*task);
  if (task != nullptr && task->state == "CANCELLED") {
    waiting.result =
        JobResult{.failed = what + "; class grade --on slurm submits it again"};
  } else if (++waiting.lost >= kMostLost) {
    waiting.result = JobResult{
        .failed = fmt::format(
            "{}, {} times; it printed {}", what, kMostLost,
            jobs_.LogOf(waiting.task->array, waiting.task->index).string())};
  } else {
    waiting.task.reset();
  }
}

// Submits what has no task.
void ClusterGrader::SubmitAll(TimedChecks timed) {
  std::vector<std::pair<const std::string, Waiting>*> fresh;
  for (auto& entry : waiting_) {
    const Waiting& waiting = entry.second;
    if (!waiting.task && !waiting.result && !waiting.not_now &&
        waiting.timed == timed && fresh.size() < kMostTasks) {
      fresh.push_back(&entry);
    }
  }
  if (fresh.empty()) return;
  SlurmArray array = {.name = fmt::format("{}-{}", name_, arrays_),
                      .tasks = fresh.size(),
                      .command = {}};
  array.command = Script(jobs_, array.name, command_);
  if (timed == TimedChecks::kMeasured) array.use = NodeUse::kExclusive;
  for (const auto& [node, why] : unfit_) array.without.insert(node);
  Submitted submitted = Submitted::kLater;
  std::string problem = "Slurm takes no jobs now";
  try {
    std::vector<std::string> keys;
    keys.reserve(fresh.size());
    for (const auto* each : fresh) keys.push_back(each->first);
    jobs_.PutArray(array.name, keys);
    submitted = Submit(array);
  } catch (const std::exception& error) {
    problem = Printable(error.what());
  }
  if (submitted != Submitted::kYes) jobs_.RemoveArray(array.name);
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    Waiting& waiting = fresh[i]->second;
    if (submitted == Submitted::kYes) {
      waiting.task = Task{.array = array.name, .index = i};
    } else if (submitted == Submitted::kNoNode) {
      waiting.not_now = true;
    } else {
      waiting.state = problem;
      is_refused_ = true;
    }
  }
  if (submitted == Submitted::kYes) ++arrays_;
}

}  // namespace kvlab::grading
