// Writes a file whole or not at all.
#ifndef KVLAB_AUTOGRADER_CLASS_PAGE_WHOLE_FILE_H_
#define KVLAB_AUTOGRADER_CLASS_PAGE_WHOLE_FILE_H_

#include <filesystem>
#include <fstream>
#include <ios>
#include <stdexcept>
#include <string>
#include <system_error>

namespace kvlab::grading {

// Throws std::runtime_error if it cannot be written; an earlier one stays then.
inline void WriteWholeFile(const std::filesystem::path& file,
                           const std::string& content) {
  const std::filesystem::path part = file.string() + ".part";
  std::ofstream stream(part, std::ios::binary | std::ios::trunc);
  stream << content;
  stream.close();
  std::error_code error;
  if (stream) std::filesystem::rename(part, file, error);
  if (!stream || error) {
    throw std::runtime_error("cannot write " + file.string());
  }
}

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_PAGE_WHOLE_FILE_H_
