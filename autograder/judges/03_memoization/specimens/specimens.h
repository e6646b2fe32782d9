// Specimens: implementations of kv_cache.h, the correct one and broken ones,
// all in one program (specimens.bzl). A student's tests of task 3.11 are judged
// by which of them they reject.
#ifndef KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_SPECIMENS_SPECIMENS_H_
#define KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_SPECIMENS_SPECIMENS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "modules/03_memoization/cache_tests.h"

namespace kvlab::grading {

using MakeMaker = std::function<std::unique_ptr<CacheMaker>()>;

// By name: "right", or that of a planted bug in kv_cache.cc.
std::map<std::string, MakeMaker>& Specimens();

// Use as a static object.
struct RegisterSpecimen {
  RegisterSpecimen(const std::string& name, const MakeMaker& make);
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_SPECIMENS_SPECIMENS_H_
