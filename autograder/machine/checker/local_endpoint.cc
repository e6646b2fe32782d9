#include "autograder/machine/checker/local_endpoint.h"

#include "kit/measure/stopwatch.h"

namespace kvlab::grading {

Reply LocalEndpoint::Call(const Request& request, const CallLimits&) {
  const Stopwatch watch;
  Reply reply = Dispatch(objects_, request);
  reply.seconds = watch.Seconds();
  return reply;
}

}  // namespace kvlab::grading
