// A folder for the files of one test.
#ifndef KVLAB_AUTOGRADER_CLASS_TEST_FOLDER_H_
#define KVLAB_AUTOGRADER_CLASS_TEST_FOLDER_H_

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "kit/files/temporary_folder.h"

namespace kvlab::grading {

class TestFolder : public TemporaryFolder {
 public:
  TestFolder() : TemporaryFolder(testing::TempDir()) {}

  // Makes the folders above it.
  std::filesystem::path Write(const std::string& name,
                              const std::string& content) const {
    const std::filesystem::path file = Path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    return file;
  }
};

inline std::string ContentOf(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream),
          std::istreambuf_iterator<char>()};
}

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_TEST_FOLDER_H_
