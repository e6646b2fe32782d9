// The machine's limits during a comparison, measured between the engines'
// turns: reading, and multiplying and adding, on several threads.
//
// kit/measure/roofline.h measures one thread, with the instructions that
// measuring and marking use; this, all threads with the machine's widest.
#ifndef KVLAB_COMPARE_ROOFS_H_
#define KVLAB_COMPARE_ROOFS_H_

#include <cstddef>
#include <span>

namespace kvlab {

// Memory to read repeatedly, on huge pages where the kernel grants them.
class ReadBuffer {
 public:
  explicit ReadBuffer(std::size_t bytes);
  ~ReadBuffer();
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;

  std::span<const float> Values() const { return values_; }

 private:
  std::span<float> values_;
};

// Bytes per second at which the threads, each its own part, read the whole
// buffer: with the instruction set and the prefetching, by hardware or at one
// of several distances, that read it fastest. The median of the passes that fit
// in `seconds`, since engines are judged by the medians of their steps.
double MeasureReading(std::span<const float> values, std::size_t threads,
                      double seconds);

// FLOP per second of multiply-adds on registers of the widest kind that this
// processor has, of all threads together. The median of the runs that fit in
// `seconds`.
double MeasureMultiplyAdd(std::size_t threads, double seconds);

}  // namespace kvlab

#endif  // KVLAB_COMPARE_ROOFS_H_
