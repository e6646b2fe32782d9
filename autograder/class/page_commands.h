// The commands that write pages: class similar, class report.
#ifndef KVLAB_AUTOGRADER_CLASS_PAGE_COMMANDS_H_
#define KVLAB_AUTOGRADER_CLASS_PAGE_COMMANDS_H_

#include <filesystem>
#include <functional>

#include "CLI/CLI.hpp"
#include "autograder/class/similarity/handout.h"
#include "autograder/class/similarity/similar.h"

namespace kvlab::grading {

struct ReportOptions {
  std::filesystem::path page;  // "" for report.html in the class's folder
  bool anonymous = false;
};

struct PageOptions {
  SimilarOptions similar;
  ReportOptions report;
};

// Adds them to the command line. `folder` is the class's.
void AddPageCommands(CLI::App& app, std::filesystem::path& folder,
                     PageOptions& options);

// Each returns the exit status, and throws DataError.
int RunSimilar(const std::filesystem::path& folder,
               const std::function<Handout()>& handout,
               const SimilarOptions& options);
int RunReport(const std::filesystem::path& folder,
              const ReportOptions& options);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_PAGE_COMMANDS_H_
