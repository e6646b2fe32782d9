#include "autograder/machine/building/linked_program.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "autograder/machine/sandbox/file_descriptor.h"

namespace kvlab::grading {
namespace {

// A structure of the file at an offset, if all of it is there.
template <typename T>
std::optional<T> ReadAt(std::string_view bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) {
    return std::nullopt;
  }
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

#if defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#else
constexpr Elf64_Half kMachine = EM_X86_64;
#endif

bool IsProgram(const Elf64_Ehdr& header) {
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
         header.e_ident[EI_CLASS] == ELFCLASS64 &&
         header.e_machine == kMachine &&
         header.e_phentsize == sizeof(Elf64_Phdr);
}

// Whether the loader must write into segments that are not writable.
bool ChangesItsCode(std::string_view bytes, const Elf64_Phdr& dynamic) {
  const std::uint64_t count = dynamic.p_filesz / sizeof(Elf64_Dyn);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto entry =
        ReadAt<Elf64_Dyn>(bytes, dynamic.p_offset + i * sizeof(Elf64_Dyn));
    if (!entry || entry->d_tag == DT_NULL) return false;
    const bool text_relocations =
        entry->d_tag == DT_TEXTREL ||
        (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0);
    if (text_relocations) return true;
  }
  return false;
}

std::string ProblemOfSegment(std::string_view bytes,
                             const Elf64_Phdr& segment) {
  constexpr std::uint32_t kBoth = PF_W | PF_X;
  const bool in_memory =
      segment.p_type == PT_LOAD || segment.p_type == PT_GNU_STACK;
  if (in_memory && (segment.p_flags & kBoth) == kBoth) {
    return "memory that is both writable and executable was asked for, where "
           "code can be made while the program runs";
  }
  if (segment.p_type == PT_DYNAMIC && ChangesItsCode(bytes, segment)) {
    return "machine code is changed when the program is loaded (text "
           "relocations)";
  }
  return "";
}

}  // namespace

bool SpeaksToValgrind(std::string_view bytes) {
  // rol rdi, by 3, 13, 61 and 51; ror x12, by 3, 13, 51 and 61.
  constexpr std::array<std::string_view, 2> kOpenings = {
      "\x48\xc1\xc7\x03\x48\xc1\xc7\x0d\x48\xc1\xc7\x3d\x48\xc1\xc7\x33",
      "\x8c\x0d\xcc\x93\x8c\x35\xcc\x93\x8c\xcd\xcc\x93\x8c\xf5\xcc\x93"};
  return std::ranges::any_of(kOpenings, [bytes](std::string_view opening) {
    return bytes.find(opening) != std::string_view::npos;
  });
}

std::string ProblemOfProgram(const std::filesystem::path& program) {
  std::error_code ignored;
  const std::uintmax_t size = std::filesystem::file_size(program, ignored);
  const std::optional<std::string> bytes =
      ignored ? std::nullopt : ReadRegularFile(program, size);
  if (!bytes) return "the linked program cannot be read";
  const auto header = ReadAt<Elf64_Ehdr>(*bytes, 0);
  if (!header || !IsProgram(*header)) {
    return "the linked program is not a program for this machine";
  }
  if (SpeaksToValgrind(*bytes)) {
    return "linked together, the files hold instructions that speak to "
           "valgrind, under which the grader counts: take them out";
  }
  for (std::size_t i = 0; i < header->e_phnum; ++i) {
    const auto segment =
        ReadAt<Elf64_Phdr>(*bytes, header->e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment) return "the linked program is damaged";
    const std::string problem = ProblemOfSegment(*bytes, *segment);
    if (!problem.empty()) return problem;
  }
  return "";
}

}  // namespace kvlab::grading
