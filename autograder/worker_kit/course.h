// What most sources of a submission include, compiled once for all of them:
// xtensor's headers take most of the compiler's time. A source behaves as if it
// included this first, so this includes only headers that it may include
// anyway.
#ifndef KVLAB_AUTOGRADER_WORKER_KIT_COURSE_H_
#define KVLAB_AUTOGRADER_WORKER_KIT_COURSE_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/tensor/tensor.h"

#endif  // KVLAB_AUTOGRADER_WORKER_KIT_COURSE_H_
