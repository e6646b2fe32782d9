// What every program of ./kvlab does around its work: it parses its words and
// maps each error to an exit status.
#ifndef KVLAB_CLI_PROGRAM_H_
#define KVLAB_CLI_PROGRAM_H_

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
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
int ParseAndRun(CLI::App& app, std::string_view program, int argc, char** argv,
                const std::function<int()>& run);

// All that a program's main does: declares the options, then ParseAndRun. Lets
// no exception out, also none of a wrong declaration, which is status 1.
template <typename Options>
int RunProgram(const char* what_it_does, const char* program, int argc,
               char** argv, void (*declare)(CLI::App&, Options&),
               int (*run)(const Options&)) {
  try {
    Options options;
    CLI::App app(what_it_does, std::string("./") + program);
    declare(app, options);
    return ParseAndRun(app, program, argc, argv, [&] { return run(options); });
  } catch (const std::exception& error) {
    std::fputs(error.what(), stderr);
    return 1;
  }
}

}  // namespace kvlab

#endif  // KVLAB_CLI_PROGRAM_H_
