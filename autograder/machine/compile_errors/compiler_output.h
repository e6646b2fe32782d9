// Parses the output of g++.
//
// Not read from -fdiagnostics-format=json: in g++ 12 that has neither "In file
// included from" nor "required from here", and for an error inside a header
// these alone name the student's line.
#ifndef KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_COMPILER_OUTPUT_H_
#define KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_COMPILER_OUTPUT_H_

#include <string>
#include <string_view>
#include <vector>

namespace kvlab::grading {

// A line with the part of the source that g++ shows below it.
struct Remark {
  // "modules/01_attention/attention.cc", "xtensor/xview.hpp"; "" if the line
  // does not begin with a place.
  std::string path;
  std::string text;  // the whole line, its path as above
  std::vector<std::string> excerpt;

  // Whether it is about a file that a student hands in.
  bool IsTheirs() const;
};

struct Diagnostic {
  // How g++ got there: functions, includes, instantiations.
  std::vector<Remark> context;
  Remark error;
  std::vector<Remark> notes;
};

// The last line of the student's that led to an error; null if there is none.
const Remark* WayThere(const std::vector<Remark>& context);

// `output`: printable, from a compiler started in the course's folder.
std::vector<Diagnostic> ParseDiagnostics(std::string_view output);

// A path as students know it: "/usr/include/xtensor/xview.hpp" becomes
// "xtensor/xview.hpp", "./kit/tensor/tensor.h" becomes "kit/tensor/tensor.h".
std::string KnownPath(std::string_view path);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_COMPILE_ERRORS_COMPILER_OUTPUT_H_
