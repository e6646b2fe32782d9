// Inputs as files, for code that reads files.
#ifndef KVLAB_AUTOGRADER_PROOF_FUZZ_SCRATCH_FOLDER_H_
#define KVLAB_AUTOGRADER_PROOF_FUZZ_SCRATCH_FOLDER_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace kvlab::grading {

// A folder of this process's own, in memory where there is /dev/shm, or where
// TEST_TMPDIR says. It is removed with the object.
class ScratchFolder {
 public:
  ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();

  const std::filesystem::path& Path() const { return path_; }

  // Replaces any file of that name.
  std::filesystem::path Write(const std::string& name,
                              std::span<const std::uint8_t> bytes) const;

 private:
  std::filesystem::path path_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_FUZZ_SCRATCH_FOLDER_H_
