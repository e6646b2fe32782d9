// What every program of ./kvlab does around its work: it parses its words and
// maps each error to an exit status.
#ifndef KVLAB_CLI_PROGRAM_H_
#define KVLAB_CLI_PROGRAM_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>

namespace kvlab {

// Prints "PROGRAM: WHY" to stderr; returns 2, the status for what the user can
// put right.
int Refuse(std::string_view program, const std::string& why);

// Parses the words into the options that `app` declares, and runs. Returns what
// `run` returns; 0 after --help; 2 for wrong words and for files that cannot be
// used (DataError), after saying why on behalf of `program`, such as "kvlab
// trace"; 1 for any other error, after its text.
int RunProgram(CLI::App& app, std::string_view program, int argc, char** argv,
               const std::function<int()>& run);

}  // namespace kvlab

#endif  // KVLAB_CLI_PROGRAM_H_
