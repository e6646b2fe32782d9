// One case of the grader's own test set: a submission, made from the solutions
// by small edits, and the marks that it must get.
#ifndef KVLAB_AUTOGRADER_PROOF_GRADERLAB_LAB_CASE_H_
#define KVLAB_AUTOGRADER_PROOF_GRADERLAB_LAB_CASE_H_

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "autograder/machine/sandbox/sandbox_host.h"
#include "autograder/machine/sandbox/staging_folder.h"

namespace kvlab::grading {

// What judges/plant.py made of a case's edits.
struct PlantedChanges {
  // Text by file, "03_memoization/kv_cache.cc"; of the changed ones alone.
  std::map<std::string, std::string> files;
  // The task of the function that a planted bug is in; "" outside of all
  // answers, and for other cases.
  std::string task;
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
  std::string kind;  // "baseline", "bug", "exploit", "honest"
  std::string name;
  std::string title;
  std::string base;  // "solutions" or "modules", which holds the stubs
  PlantedChanges changes;
  // The submission's author; "" if unknown.
  std::string student;
  LabSpeed speed = LabSpeed::kLeftOut;
  // The kind of sandbox: "full", "reduced" or "reduced without landlock".
  Confinement isolation = Confinement::kBubblewrap;
  LabExpectation expect;
};

// What plant.py wrote into the file at `path`, by the case's own file, as a
// path from the workspace's root. Throws DataError.
std::map<std::string, PlantedChanges> ReadChanges(
    const std::filesystem::path& path);

// Reads a planted bug (judges/*/planted_bugs/FILE/NAME.toml): the title,
// `loses` and `says`. Throws DataError, naming file and line.
LabCase ReadPlantedBug(const std::filesystem::path& path,
                       PlantedChanges changes);

// Reads a case of graderlab/cases/KIND/NAME.toml. Throws DataError likewise.
LabCase ReadLabCase(const std::filesystem::path& path, PlantedChanges changes);

// The task that a planted bug is in; outside of all answers that of the first
// check in `loses`.
std::string TaskOf(const LabCase& one);

// The submission of `one`: text by file, "modules/03_memoization/kv_cache.cc".
// `sources` holds solutions/ and modules/.
std::map<std::string, std::string> SubmissionOf(
    const LabCase& one, const std::filesystem::path& sources);

// Writes it below `folder`.
void WriteSubmission(const LabCase& one, const std::filesystem::path& sources,
                     const StagingFolder& folder);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_GRADERLAB_LAB_CASE_H_
