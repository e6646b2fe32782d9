#include "autograder/exam/measurement.h"

#include <string>

namespace kvlab::grading {

std::string SpeedRuleName(SpeedRule rule) {
  switch (rule) {
    case SpeedRule::kTable:
      return "the table";
    case SpeedRule::kReference:
      return "the reference";
    case SpeedRule::kBoth:
      return "both";
    case SpeedRule::kNeither:
      break;
  }
  return "neither";
}

}  // namespace kvlab::grading
