// How near the reference comes to the limits of this machine.
#ifndef KVLAB_AUTOGRADER_MACHINE_SPEED_H_
#define KVLAB_AUTOGRADER_MACHINE_SPEED_H_

#include <cstddef>
#include <vector>

#include "autograder/machine_figures.h"

namespace kvlab::grading {

// A GPT-2 of DistilGPT2's shape with random weights, which no cache holds, in
// this process and in the machine's best instruction set: decode steps at 50 to
// 1,000 tokens and prefills of 128 and 500, on one thread and on two if there
// are two cores. Each round measures every limit beside what it limits; the
// protocol is that of ./kvlab compare, without its peers. Takes 10 to 20 s per
// round, 700 MB of memory, and 500 MB of temporary files. Uses AVX2 and one
// thread again afterwards. Throws DataError if the files cannot be written.
std::vector<SharesOfLimits> MeasureShares(std::size_t rounds);

// Processor, cores, caches, date and load.
MachineFigures DescribeMachine();

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SPEED_H_
