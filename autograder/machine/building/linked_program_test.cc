#include "autograder/machine/building/linked_program.h"

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

using ::testing::HasSubstr;

const std::string kOpening =
    "\x48\xc1\xc7\x03\x48\xc1\xc7\x0d\x48\xc1\xc7\x3d\x48\xc1\xc7\x33";
const std::string kOpeningOnArm =
    "\x8c\x0d\xcc\x93\x8c\x35\xcc\x93\x8c\xcd\xcc\x93\x8c\xf5\xcc\x93";

template <typename T>
std::string Bytes(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

// A program's header and segments; their bytes are `content`.
std::string Program(const std::vector<Elf64_Phdr>& segments,
                    const std::string& content) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
#if defined(__aarch64__)
  header.e_machine = EM_AARCH64;
#else
  header.e_machine = EM_X86_64;
#endif
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_phnum = static_cast<std::uint16_t>(segments.size());
  std::string bytes = Bytes(header);
  for (const Elf64_Phdr& segment : segments) bytes += Bytes(segment);
  return bytes + content;
}

Elf64_Phdr Segment(std::uint32_t type, std::uint32_t flags) {
  Elf64_Phdr segment{};
  segment.p_type = type;
  segment.p_flags = flags;
  return segment;
}

std::string Problem(const std::string& bytes) {
  const std::filesystem::path path =
      std::filesystem::path(::testing::TempDir()) / "program";
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  return ProblemOfProgram(path);
}

TEST(LinkedProgramTest, TheOpeningIsFoundAtEveryOffset) {
  for (const std::string& opening : {kOpening, kOpeningOnArm}) {
    for (std::size_t offset = 0; offset < 40; ++offset) {
      EXPECT_TRUE(SpeaksToValgrind(std::string(offset, '\x48') + opening));
    }
    EXPECT_FALSE(SpeaksToValgrind(opening.substr(0, 15)));
  }
  EXPECT_FALSE(SpeaksToValgrind(""));
}

TEST(LinkedProgramTest, OrdinaryProgramsAreFine) {
  EXPECT_EQ(ProblemOfProgram(std::filesystem::canonical("/bin/true")), "");
  EXPECT_EQ(Problem(Program(
                {Segment(PT_LOAD, PF_R | PF_X), Segment(PT_LOAD, PF_R | PF_W),
                 Segment(PT_GNU_STACK, PF_R | PF_W)},
                kOpening.substr(1))),
            "");
}

TEST(LinkedProgramTest, RequestsToValgrindAreFoundWhereTheyWereLinked) {
  EXPECT_THAT(
      Problem(Program({Segment(PT_LOAD, PF_R | PF_X)}, "abc" + kOpening)),
      HasSubstr("speak to valgrind"));
}

TEST(LinkedProgramTest, CodeThatCanChangeIsRefused) {
  for (const std::uint32_t type : {PT_LOAD, PT_GNU_STACK}) {
    EXPECT_THAT(Problem(Program({Segment(type, PF_R | PF_W | PF_X)}, "")),
                HasSubstr("both writable and executable"));
  }
  Elf64_Phdr dynamic = Segment(PT_DYNAMIC, PF_R | PF_W);
  dynamic.p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
  Elf64_Dyn entry{};
  dynamic.p_filesz = sizeof(entry);
  entry.d_tag = DT_TEXTREL;
  EXPECT_THAT(Problem(Program({dynamic}, Bytes(entry))),
              HasSubstr("text relocations"));
  entry.d_tag = DT_FLAGS;
  entry.d_un.d_val = DF_TEXTREL;
  EXPECT_THAT(Problem(Program({dynamic}, Bytes(entry))),
              HasSubstr("text relocations"));
  entry.d_un.d_val = DF_BIND_NOW;
  EXPECT_EQ(Problem(Program({dynamic}, Bytes(entry))), "");
}

TEST(LinkedProgramTest, WhatIsNoProgramIsRefused) {
  EXPECT_THAT(Problem(""), HasSubstr("not a program for this machine"));
  EXPECT_THAT(Problem("#!/bin/sh"),
              HasSubstr("not a program for this machine"));
  EXPECT_THAT(ProblemOfProgram("/nowhere"), HasSubstr("cannot be read"));
  std::string cut = Program({Segment(PT_LOAD, PF_R | PF_X)}, "");
  cut.resize(cut.size() - 1);
  EXPECT_THAT(Problem(cut), HasSubstr("damaged"));
}

}  // namespace
}  // namespace kvlab::grading
