// A cache that is filled to a half: its memory while it fills, and its
// contents.
#ifndef KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_FILLED_CACHE_H_
#define KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_FILLED_CACHE_H_

#include <string>

#include "autograder/exam/exam.h"

namespace kvlab::grading {

// Enables a cache of about 32 MiB and decodes until it is half full. This
// detects a dummy buffer of the right size beside a cache that grows with use:
// half of the cache is eight times the slack. Throws CheckFailed if the
// process's memory differs from the formula by more than the settings
// "slack_mib" and "slack_share" allow, at the start or while decoding, if the
// logits at the end are wrong, or if keys and values read at random places of
// all layers are not those of the tokens, in the precision of float32. Returns
// what was measured.
std::string MemoryOfFilledCache(Exam& exam);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_FILLED_CACHE_H_
