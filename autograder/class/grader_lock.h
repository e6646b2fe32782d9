// Shows the other graders of a class that this one is alive.
#ifndef KVLAB_AUTOGRADER_CLASS_GRADER_LOCK_H_
#define KVLAB_AUTOGRADER_CLASS_GRADER_LOCK_H_

#include <filesystem>
#include <string>

#include "autograder/class/gradebook.h"
#include "autograder/machine/sandbox/file_descriptor.h"

namespace kvlab::grading {

// A grader's folder below the class's workspace, and a lock in it that the
// system releases when the process ends, however it ends. No clock decides who
// is alive. The lock is one of fcntl(2): a process that this one starts does
// not have it.
class GraderLock {
 public:
  // Takes a name of its own, and takes back what graders that have ended were
  // working at. Throws std::runtime_error if the workspace cannot be written.
  GraderLock(Gradebook& book, std::filesystem::path workspace);
  GraderLock(const GraderLock&) = delete;
  GraderLock& operator=(const GraderLock&) = delete;
  // Removes the folder.
  ~GraderLock();

  const std::string& Name() const { return name_; }
  // For files of this grader alone.
  const std::filesystem::path& Folder() const { return folder_; }

  // Ends the claims of graders that have ended, and removes their folders. Call
  // it in a transaction.
  void ClearEnded() const;

 private:
  Gradebook& book_;
  std::filesystem::path workspace_;
  std::string name_;
  std::filesystem::path folder_;
  FileDescriptor lock_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_GRADER_LOCK_H_
