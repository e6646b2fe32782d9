// Folders that JPlag and Dolos read, for a second opinion.
#ifndef KVLAB_AUTOGRADER_CLASS_SIMILARITY_TOOL_FOLDERS_H_
#define KVLAB_AUTOGRADER_CLASS_SIMILARITY_TOOL_FOLDERS_H_

#include <filesystem>
#include <span>
#include <vector>

#include "autograder/class/similarity/alike_pairs.h"
#include "autograder/class/similarity/handout.h"
#include "autograder/machine/submission/module_files.h"

namespace kvlab::grading {

// In `folder`, which must not exist or be empty:
//   submissions/ID/NN_name/file.cc   each person, for JPlag
//   earlier/TERM_ID/...              earlier terms
//   given/                           the stubs, which are base code for it
//   dolos/*.cc, dolos/info.csv       a file for each person, for Dolos
//   dolos/given.cc                   the stubs in one
//   README.txt                       the commands
// Names become parts of a path as those of reports do. Throws DataError if the
// folder has files, std::runtime_error if writing fails.
void WriteToolFolders(std::span<const Author> authors, const Handout& handout,
                      const std::vector<ModuleFiles>& modules,
                      const std::filesystem::path& folder);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_SIMILARITY_TOOL_FOLDERS_H_
