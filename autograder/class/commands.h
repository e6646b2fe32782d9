// The command line of ./kvlab class.
#ifndef KVLAB_AUTOGRADER_CLASS_COMMANDS_H_
#define KVLAB_AUTOGRADER_CLASS_COMMANDS_H_

#include <filesystem>
#include <functional>
#include <string>

#include "autograder/class/grading.h"
#include "autograder/class/similarity/handout.h"

namespace kvlab::grading {

// What `class grade` and `class regrade` are asked for.
struct GraderWishes {
  bool official = false;             // refuse to grade below the full isolation
  bool may_read_everything = false;  // grade even without any
  std::filesystem::path rubric;      // another one than the course's
  // A folder for what is compiled, which may be used again; "" for none.
  std::filesystem::path compiled;
};

struct ClassProgram {
  // Makes the grader, which takes a while, and calls `use` with it.
  std::function<void(const GraderWishes& wishes,
                     const std::function<void(const ClassGrader&)>& use)>
      with_grader;
  // One line of progress, which the next one replaces.
  OnStep show = nullptr;
  std::function<void()> clear = nullptr;
  // What `class similar` cuts out.
  std::function<Handout()> handout = nullptr;
};

// Does what the command line says, and returns the exit status: 0; 1 if it
// failed, 2 for a usage error, 3 if checks could not be judged.
int RunClass(int argc, char** argv, const ClassProgram& program);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_COMMANDS_H_
