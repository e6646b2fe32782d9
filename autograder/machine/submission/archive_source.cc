#include "autograder/machine/submission/archive_source.h"

#include <string>
#include <string_view>

#include "autograder/machine/submission/tar_source.h"
#include "autograder/machine/submission/zip_source.h"

namespace kvlab::grading {

void CollectArchive(std::string_view bytes, const std::string& name,
                    Collector& collector) {
  if (IsTar(bytes)) {
    CollectTar(bytes, name, collector);
  } else {
    CollectZip(bytes, name, collector);
  }
}

}  // namespace kvlab::grading
