// Whatever may be handed in as an archive: zip, tar, tar.gz, one in the other.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "autograder/machine/submission/module_files.h"
#include "autograder/machine/submission/submission.h"
#include "autograder/machine/text/printable.h"
#include "autograder/proof/fuzz/require.h"
#include "autograder/proof/fuzz/scratch_folder.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

const std::vector<ModuleFiles>& Modules() {
  static const std::vector<ModuleFiles> modules = {
      {1, "Attention", "01_attention", {"attention.cc"}, {}},
      {2, "Transformer", "02_transformer", {"layers.cc", "gpt2.cc"}, {}},
  };
  return modules;
}

bool IsLegible(const std::string& name) { return PrintableLine(name) == name; }

void Check(const Submission& submission) {
  Require(submission.files.size() == 3, "what modules name is there");
  for (const auto& [path, file] : submission.files) {
    Require(file.content.size() <= kMaxSourceBytes, "files are short");
    Require(file.IsPresent() || file.content.empty(), "it is there or not");
    Require(IsLegible(file.found_at), "names can be shown");
  }
  Require(submission.ignored.size() <= submission.ignored_count, "all count");
  for (const std::string& name : submission.ignored) {
    Require(IsLegible(name), "names can be shown");
  }
  for (const std::string& name : submission.taken_by_name) {
    Require(IsLegible(name), "names can be shown");
  }
}

void Read(std::span<const std::uint8_t> archive) {
  static const ScratchFolder folder;
  const auto file = folder.Write("submission.zip", archive);
  try {
    Check(ReadSubmission(file, Modules()));
  } catch (const DataError&) {
    // refused, with a reason
  }
}

}  // namespace
}  // namespace kvlab::grading

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  kvlab::grading::Read({data, size});
  return 0;
}
