// draw_demo TABLE PICTURE: from CSV to SVG; docs/draw_speedup calls it.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "autograder/report/demo_plot.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

std::string Contents(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

void Draw(const fs::path& table, const fs::path& picture) {
  const std::string drawn = DemoPicture(Contents(table));
  std::ofstream file(picture);
  file << drawn;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + picture.string());
}

}  // namespace
}  // namespace kvlab::grading

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: draw_demo TABLE PICTURE\n");
    return 2;
  }
  try {
    kvlab::grading::Draw(argv[1], argv[2]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "draw_demo: %s\n", error.what());
    return 1;
  }
}
