// Whether keys and values are kept between forward passes.
#ifndef KVLAB_KIT_MODEL_CACHING_H_
#define KVLAB_KIT_MODEL_CACHING_H_

namespace kvlab {

enum class Caching { kOff, kOn };

}  // namespace kvlab

#endif  // KVLAB_KIT_MODEL_CACHING_H_
