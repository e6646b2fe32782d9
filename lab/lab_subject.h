// The subject of ./kvlab lab: a checkpoint, or random weights of a known shape.
#ifndef KVLAB_LAB_LAB_SUBJECT_H_
#define KVLAB_LAB_LAB_SUBJECT_H_

#include <filesystem>
#include <string>
#include <vector>

#include "lab/experiments.h"
#include "nlohmann/json.hpp"

namespace kvlab {

// The shapes that SubjectOfShape knows: "distilgpt2", "gpt2".
std::vector<std::string> KnownShapes();

// Random float32 weights of a published shape. Throws ContractError for a name
// that is not in KnownShapes.
LabSubject SubjectOfShape(const std::string& shape, std::uint64_t seed);

// A checkpoint in Hugging Face layout, and the held-out end of a text. Throws
// DataError for any defect of the checkpoint; one of the text, such as a byte
// that the tokenizer lacks, is its `why_no_text`.
LabSubject SubjectOfFolder(const std::filesystem::path& folder,
                           const std::filesystem::path& text);

// The roofs of this machine for working sets from 64 KiB to 256 MiB.
MachineRoofs RoofsOfThisMachine();

// `machine` and `model` of results.json.
nlohmann::ordered_json MachineJson(const MachineRoofs& roofs);
nlohmann::ordered_json ModelJson(const LabSubject& subject, bool random);

}  // namespace kvlab

#endif  // KVLAB_LAB_LAB_SUBJECT_H_
