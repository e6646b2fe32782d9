// Job arrays of a Slurm cluster, through its own commands: sbatch and squeue.
// Source: their manual pages, of Slurm 22.05.
#ifndef KVLAB_AUTOGRADER_CLASS_CLUSTER_SLURM_H_
#define KVLAB_AUTOGRADER_CLASS_CLUSTER_SLURM_H_

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kvlab::grading {

enum class NodeUse {
  kShared,     // with other jobs, one processor for each
  kExclusive,  // nothing else runs on the node
};

struct SlurmArray {
  std::string name = {};
  std::size_t tasks = 0;
  // For a shell; SLURM_ARRAY_TASK_ID is the task's number, from 0.
  std::string command = {};
  NodeUse use = NodeUse::kShared;
  std::set<std::string> without = {};  // nodes
};

// A task of an array of this user.
struct SlurmTask {
  std::string array;  // its name
  std::size_t index = 0;
  std::string job;    // "12_0"
  std::string state;  // "RUNNING"
  std::string node;   // "" before it runs
  int exit_status = 0;
  std::string reason;  // why it waits

  // Whether it waits or runs, so that something may yet come of it.
  bool IsAlive() const;
  // Whether Slurm will not start it, since its launch failed: after a crash of
  // the controller, for instance.
  bool IsHeldBySlurm() const;
};

// What became of sbatch.
enum class Submitted {
  kYes,
  kNoNode,  // no other nodes than `without` will do
  kLater,   // the controller does not answer, or refuses for now
};

// One word for a shell.
std::string ShellQuoted(const std::string& word);

// Throws DataError unless Slurm answers on this host and takes jobs: its
// commands are missing, it has no configuration, munge or the controller do not
// answer, or the partition does not exist.
void ExpectSlurm();

// Partition, account, time and memory come from sbatch's own variables:
// SBATCH_PARTITION, ... A node that fails makes Slurm start its tasks again.
Submitted Submit(const SlurmArray& array);

// Does nothing if Slurm does not answer.
void Cancel(const SlurmTask& task);

// Also those that ended some minutes ago. Nothing if Slurm does not answer.
std::optional<std::vector<SlurmTask>> TasksOfUser();

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_CLUSTER_SLURM_H_
