// Independent jobs, run two at a time: graders have two cores, and a third job
// would only make each of them slower against its time limit.
#ifndef KVLAB_AUTOGRADER_MACHINE_PARALLEL_PARALLEL_H_
#define KVLAB_AUTOGRADER_MACHINE_PARALLEL_PARALLEL_H_

#include <cstddef>
#include <functional>

namespace kvlab::grading {

// Calls work(0) to work(count - 1) on two threads, and returns when all are
// done. If one throws, its thread takes no further job, and the error is thrown
// again at the end.
void RunInParallel(std::size_t count,
                   const std::function<void(std::size_t index)>& work);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_PARALLEL_PARALLEL_H_
