// The dispatch table: one source, linked twice. In the worker it calls the
// student's modules, in the checker the solutions; a check asks both.
#ifndef KVLAB_AUTOGRADER_MACHINE_PROTOCOL_OPERATION_H_
#define KVLAB_AUTOGRADER_MACHINE_PROTOCOL_OPERATION_H_

#include <any>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

// Objects that operations have made, by handle.
class ObjectStore {
 public:
  template <typename T>
  Handle Keep(std::shared_ptr<T> object) {
    objects_[++last_id_] = std::move(object);
    return {last_id_};
  }
  // Throws std::out_of_range / std::bad_any_cast if there is no such object.
  template <typename T>
  T& Get(Handle handle) {
    return *std::any_cast<std::shared_ptr<T>&>(objects_.at(handle.id));
  }
  template <typename T>
  std::shared_ptr<T> Share(Handle handle) {
    return std::any_cast<std::shared_ptr<T>&>(objects_.at(handle.id));
  }
  void Drop(Handle handle) { objects_.erase(handle.id); }

 private:
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::any> objects_;
};

using Operation = std::function<Values(ObjectStore&, const Values& arguments)>;

// Filled by static registrars in *_operations.cc (their libraries are
// alwayslink), so that a process has the operations of the modules it
// links. A name registered twice ends the process.
std::map<std::string, Operation>& OperationTable();

struct RegisterOperation {
  RegisterOperation(const std::string& name, Operation operation);
};

// Runs one request against this process's table and turns what is thrown into a
// Reply, with at most kMaxMessageBytes of its message. Never throws. The
// operation runs inside `kvlab_measured_call`, the function whose instructions
// callgrind counts.
Reply Dispatch(ObjectStore& objects, const Request& request);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_PROTOCOL_OPERATION_H_
