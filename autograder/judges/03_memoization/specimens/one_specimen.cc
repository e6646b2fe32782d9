// The end of every specimen: specimens.bzl puts it behind the source of a
// cache, in which KvCache and the like have names of their own.
#include <memory>

#include "autograder/judges/03_memoization/specimens/specimens.h"
#include "modules/03_memoization/cache_under_test.h"

namespace kvlab::grading {
namespace {

const RegisterSpecimen kSpecimen(KVLAB_SPECIMEN,
                                 [] { return std::make_unique<MakerOf<>>(); });

}  // namespace
}  // namespace kvlab::grading
