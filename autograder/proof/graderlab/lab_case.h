// One case of the grader's own test set: a submission, made from the solutions
// by small edits, and the marks that it must get.
#ifndef KVLAB_AUTOGRADER_PROOF_GRADERLAB_LAB_CASE_H_
#define KVLAB_AUTOGRADER_PROOF_GRADERLAB_LAB_CASE_H_

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "autograder/machine/sandbox/sandbox_host.h"
#include "autograder/machine/sandbox/staging_folder.h"

namespace kvlab::grading {

// A change of one file. Exactly one of the ways is used.
struct LabEdit {
  std::string file;  // "03_memoization/kv_cache.cc"
  // Must occur in the file exactly once.
  std::optional<std::string> find;
  std::string replace;
  std::optional<std::string> prepend;
  std::optional<std::string> append;
  std::optional<std::string> text;  // the whole file, which may be a new one
  std::optional<std::string> take_from;  // "modules": the stub instead
};

// The expected result. Checks are named by task and name, "1.3 causal.chunk";
// shell patterns may match several.
struct LabExpectation {
  // These earn at most the rubric's share for being right alone. The first one
  // of an exploit, which it attacks, earns nothing at all.
  std::vector<std::string> loses;
  std::vector<std::string> halves;    // these earn half of their points
  std::vector<std::string> may_lose;  // these may lose; all others must pass
  // Words that the report on the first check in `loses` must contain: in its
  // result, or in the reason why it matters.
  std::string says;
  // A regular expression that no text of the author's report may match; "" for
  // none.
  std::string never_says = {};
};

// How the speed checks, which take most of a minute, are run.
enum class LabSpeed {
  kLeftOut,
  kMeasured,
  // Without the rubric's table, so only the share of the reference's speed
  // decides: how far the reference is above the table depends on the machine.
  kComparedWithReference,
};

struct LabCase {
  std::string kind;  // "baseline", "knockout", "exploit", "honest"
  std::string name;
  std::string title;
  std::string base;  // "solutions" or "modules", which holds the stubs
  std::vector<LabEdit> edits;
  // The submission's author; "" if unknown.
  std::string student;
  LabSpeed speed = LabSpeed::kLeftOut;
  // The kind of sandbox: "full", "reduced" or "reduced without landlock".
  Confinement isolation = Confinement::kBubblewrap;
  LabExpectation expect;
};

// Reads a planted bug (judges/*/planted_bugs/FILE/NAME.toml): the bug, `loses`
// and `says`. Throws DataError, naming file and line.
LabCase ReadKnockout(const std::filesystem::path& path);

// Reads a case of graderlab/cases/KIND/NAME.toml. Throws DataError likewise.
LabCase ReadLabCase(const std::filesystem::path& path);

// The task of the function that a planted bug is in, by the markers of the
// answer; of code outside of them, that of the first check in `loses`.
std::string TaskOf(const LabCase& one, const std::filesystem::path& sources);

// Writes the submission of `one` below `folder`. `sources` holds solutions/ and
// modules/. Throws DataError if an edit does not fit its file.
void WriteSubmission(const LabCase& one, const std::filesystem::path& sources,
                     const StagingFolder& folder);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_GRADERLAB_LAB_CASE_H_
