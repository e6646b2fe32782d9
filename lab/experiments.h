// The experiments of ./kvlab lab. Each writes one section of results.json,
// whose schema is lab/results.schema.json.
#ifndef KVLAB_LAB_EXPERIMENTS_H_
#define KVLAB_LAB_EXPERIMENTS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kit/measure/roofline.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "lab/lab_run.h"
#include "modules/02_transformer/gpt2.h"

namespace kvlab {

// The subject and the options of all measurements.
struct LabSubject {
  std::shared_ptr<const Gpt2Weights> weights;
  std::string name;
  MachineRoofs machine;
  // Text that the model was not trained on; none for random weights, nor if
  // there is an error that kept it from being read.
  std::vector<TokenId> held_out;
  std::string why_no_text;
};

struct Experiment {
  std::string section;  // of results.json
  std::string title;
  // The total work of its steps, in the unit of LabRun: 1e9 MACs, or anything
  // that takes as long.
  std::function<double(const LabSubject& subject, bool quick)> work;
  // Throws Stopped.
  std::function<void(const LabSubject& subject, LabRun& run)> measure;
};

// Total time and time per token for increasing lengths, with and without a
// cache.
Experiment ControlAgainstCache();
// Bytes of caches, by formula and measured; growth by concatenation.
Experiment MemoryOfCaches();
// Full cache, partial cache, no cache, and windows that forget: memory, work,
// time and error of each.
Experiment SpaceAgainstTime();
// Entries computed and looked up; what an edit of the prompt invalidates.
Experiment MemoFilling();
// Tokens per second against the size of the model and of the batch.
Experiment BandwidthLimit();
// Caches that keep less: their bytes, loss on held-out text, error and time;
// and what pages waste and share. Nothing without such a text; without those
// tasks of module 5 that are not done yet. Its work throws DataError if the
// text is too short.
Experiment BeyondThePlainCache();
// The caches of published models, and how many users fit.
Experiment KnownModelsTable();

// All of them, in the order of the page.
std::vector<Experiment> AllExperiments();

}  // namespace kvlab

#endif  // KVLAB_LAB_EXPERIMENTS_H_
