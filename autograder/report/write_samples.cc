// write_samples FOLDER: the reports of each sample, in a folder of its name.
#include <cstdio>
#include <exception>
#include <filesystem>

#include "autograder/report/sample_report.h"
#include "autograder/report/write_failure.h"
#include "autograder/report/write_reports.h"

int main(int argc, char** argv) {
  namespace grading = kvlab::grading;
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_samples FOLDER\n");
    return 2;
  }
  try {
    const std::filesystem::path folder = argv[1];
    grading::WriteReports(grading::MixedSample().report, folder / "mixed");
    grading::WriteReports(grading::PerfectSample().report, folder / "perfect");
    grading::WriteReports(grading::BonusSample().report, folder / "bonus");
    grading::WriteReports(grading::BrokenSample().report, folder / "broken");
    grading::WriteReports(grading::ConcealedSample().report,
                          folder / "concealed");
    grading::WriteReports(grading::WorstSample().report, folder / "worst");
    grading::WriteReports(grading::HostileSample().report, folder / "hostile");
    grading::WriteFailure("ivan", "the disk is full", folder / "failed");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "write_samples: %s\n", error.what());
    return 1;
  }
}
