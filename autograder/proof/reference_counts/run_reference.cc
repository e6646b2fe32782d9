// Feeds a prompt and then single tokens to the reference; for valgrind.
//   run_reference MODEL PROMPT_TOKENS STEPS
#include <cstddef>
#include <cstdio>
#include <string>

#include "autograder/proof/reference_counts/reference_run.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: run_reference MODEL PROMPT_TOKENS STEPS\n");
    return 2;
  }
  kvlab::ReferenceRun run(argv[1]);
  run.Feed(std::stoul(argv[2]));
  for (std::size_t step = 0; step < std::stoul(argv[3]); ++step) run.Feed(1);
}
