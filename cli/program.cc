#include "cli/program.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <string_view>

#include "fmt/format.h"
#include "kit/error.h"

namespace kvlab {

int Refuse(std::string_view program, const std::string& why) {
  constexpr int kUsageError = 2;
  fmt::print(stderr, "{}: {}\n", program, why);
  return kUsageError;
}

int ParseAndRun(CLI::App& app, std::string_view program, int argc, char** argv,
                const std::function<int()>& run) {
  try {
    app.parse(argc, argv);
    return run();
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return Refuse(program, error.what());
  } catch (const DataError& error) {
    return Refuse(program, error.what());
  } catch (const std::exception& error) {
    fmt::print(stderr, "\n{}\n", error.what());
    return 1;
  }
}

}  // namespace kvlab
