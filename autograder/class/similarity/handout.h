// What everybody got.
#ifndef KVLAB_AUTOGRADER_CLASS_SIMILARITY_HANDOUT_H_
#define KVLAB_AUTOGRADER_CLASS_SIMILARITY_HANDOUT_H_

#include <filesystem>
#include <vector>

namespace kvlab::grading {

struct Handout {
  std::filesystem::path course;  // has modules/NN_name/module.toml, the stubs
  // Folders of sources and pages, with all below them.
  std::vector<std::filesystem::path> given;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_SIMILARITY_HANDOUT_H_
