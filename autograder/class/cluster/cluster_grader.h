// A grader whose work is done by jobs of a Slurm cluster.
#ifndef KVLAB_AUTOGRADER_CLASS_CLUSTER_CLUSTER_GRADER_H_
#define KVLAB_AUTOGRADER_CLASS_CLUSTER_CLUSTER_GRADER_H_

#include <compare>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "autograder/class/cluster/shared_jobs.h"
#include "autograder/class/cluster/slurm.h"
#include "autograder/class/grading.h"
#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/report/report.h"

namespace kvlab::grading {

// Checks of correctness share nodes, timed ones have a node for themselves.
// Every file is in one folder, which all nodes see under the same path. Nothing
// is remembered elsewhere: a process that is killed leaves its jobs to the next
// one on the same folder, which takes in their results and waits for those that
// still run. What ended without a result is submitted again, three times at
// most; what a person cancelled is not.
class ClusterGrader {
 public:
  // `command`: for a node's shell; judges the job of a task (JudgeSharedJob)
  // when it is followed by the file of keys. Throws DataError if another
  // process uses the folder, or as ExpectSlurm does.
  ClusterGrader(const ClassGrader& here, const std::filesystem::path& folder,
                std::string command);
  ClusterGrader(const ClusterGrader&) = delete;
  ClusterGrader& operator=(const ClusterGrader&) = delete;
  ~ClusterGrader();

  // To be used by as many threads as jobs are to be in Slurm at once. It throws
  // NotJudgedNow if no node may judge a job.
  ClassGrader Grader();

  // The nodes that took no part, and why.
  std::map<std::string, std::string> Unfit() const;

 private:
  struct Task {
    std::string array;
    std::size_t index = 0;
    auto operator<=>(const Task&) const = default;
  };
  // A job whose result a thread waits for.
  struct Waiting {
    TimedChecks timed = TimedChecks::kDeferred;
    std::optional<Task> task = {};  // none: to be submitted
    int lost = 0;
    int unseen = 0;          // how often it was asked for since it ended
    std::string state = {};  // for people
    bool not_now = false;
    std::optional<JobResult> result = {};
  };

  // A result that was given out.
  struct Given {
    std::string key;
    std::string machine;
  };

  Report Grade(const GradingJob& job, const OnStep& on_step);
  void AdoptRunning();
  void WatchJobs(const std::stop_token& stop);
  void TakeIn(const std::string& key, Waiting& waiting);
  void Follow(Waiting& waiting, const SlurmTask* task);
  void SubmitAll(TimedChecks timed);

  const ClassGrader& here_;
  SharedJobs jobs_;
  std::string command_;
  FileDescriptor lock_;
  std::string name_;  // begins the names of the arrays of this process

  mutable std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  std::map<std::string, Task> running_;     // of an earlier process, by key
  std::map<std::string, Waiting> waiting_;  // by key
  std::map<std::string, Given> given_;      // by student
  std::map<std::string, std::string> unfit_;
  int arrays_ = 0;
  bool is_refused_ = false;
  std::jthread watcher_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_CLUSTER_CLUSTER_GRADER_H_
