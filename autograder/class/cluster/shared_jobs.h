// Jobs and their results as files, in a folder that all machines of a cluster
// share.
#ifndef KVLAB_AUTOGRADER_CLASS_CLUSTER_SHARED_JOBS_H_
#define KVLAB_AUTOGRADER_CLASS_CLUSTER_SHARED_JOBS_H_

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "autograder/class/grading.h"

namespace kvlab::grading {

// What came of a job on a node. One of `marks`, `failed` and `unfit` is not
// empty.
struct JobResult {
  std::string node = {};
  std::string machine = {};  // its processor
  std::string marks = {};    // see MarksRecord
  std::string failed = {};   // a fault of the grader
  std::string unfit = {};    // why the node must not judge it
};

// Every file appears whole: it is written under another name, brought to the
// disk and renamed. Every function throws std::runtime_error if the folder
// cannot be written.
class SharedJobs {
 public:
  explicit SharedJobs(std::filesystem::path folder);

  const std::filesystem::path& Folder() const { return folder_; }
  // Where this node keeps objects that were compiled: not with others, since
  // process numbers, which name unfinished files there, are those of one node.
  static std::filesystem::path CompiledBeside(
      const std::filesystem::path& keys);
  // The file with the keys of an array's jobs, and what its tasks print.
  std::filesystem::path KeysOf(const std::string& array) const;
  std::filesystem::path LogOf(const std::string& array,
                              std::size_t index) const;

  // Writes what a node needs to judge the job, and returns its key: a digest of
  // all that its result depends on, so that the same job has the same key.
  std::string Put(const GradingJob& job, const ClassGrader& grader) const;
  void Remove(const std::string& key) const;

  void PutArray(const std::string& array,
                const std::vector<std::string>& keys) const;
  // The arrays that there are, with the keys of their jobs.
  struct Array {
    std::string name;
    std::vector<std::string> keys;
  };
  std::vector<Array> Arrays() const;
  void RemoveArray(const std::string& array) const;

  // Nothing if there is none yet.
  std::optional<JobResult> ResultOf(const std::string& key) const;
  void RemoveResult(const std::string& key) const;

 private:
  std::filesystem::path folder_;
};

// On a node: judges the job of this task of an array, and writes the result. A
// job that is timed is judged only if the grader is not unfit for that; one of
// another program or rubric is not judged.
//   keys: the file of the array's keys
void JudgeSharedJob(const std::filesystem::path& keys, std::size_t index,
                    const ClassGrader& grader);

// On a node without a grader: leaves the job to another node.
void RefuseSharedJob(const std::filesystem::path& keys, std::size_t index,
                     const std::string& why);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_CLUSTER_SHARED_JOBS_H_
