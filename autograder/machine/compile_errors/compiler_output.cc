#include "autograder/machine/compile_errors/compiler_output.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvlab::grading {
namespace {

constexpr std::string_view kDigits = "0123456789";

// "  100 | code", "      |  ^~~~", "  +++ |+#include <vector>"
bool IsExcerpt(std::string_view line) {
  const std::size_t bar = line.find_first_not_of(" +0123456789");
  return bar != std::string_view::npos && bar > 0 && line[bar] == '|' &&
         line[bar - 1] == ' ';
}

// Where the path in front of a line ends; 0 if there is none. A path is
// followed by ": ", or by ":12", ":12," or ":12:5:".
std::size_t PathEnd(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return 0;
  const std::string_view path = line.substr(0, colon);
  if (path.find_first_of("'\" ") != std::string_view::npos) return 0;
  const bool is_file = path.find('/') != std::string_view::npos ||
                       path.find('.') != std::string_view::npos;
  return is_file ? colon : 0;
}

// Skips the text between the path and the kind: ":12:5: ".
std::string_view SkipPlace(std::string_view rest) {
  const std::size_t end = rest.find_first_not_of(":0123456789");
  return end == std::string_view::npos ? "" : rest.substr(end);
}

enum class Kind { kError, kNote, kContext, kOther };

// The last one is the assembler's.
constexpr std::array<std::string_view, 4> kErrors = {
    " error: ", " fatal error: ", " sorry, unimplemented: ", " Error: "};

bool IsInclude(std::string_view line) {
  return line.starts_with("In file included from ") ||
         line.starts_with("                 from ");
}

class Parser {
 public:
  explicit Parser(std::vector<Diagnostic>& errors) : errors_(errors) {}

  void Take(const std::string& line) {
    if (IsExcerpt(line) && last_ != nullptr) {
      last_->excerpt.push_back(line);
      return;
    }
    Remark remark;
    last_ = nullptr;
    switch (Classify(line, remark)) {
      case Kind::kError:
        if (IsAside(remark)) {
          context_.clear();
          errors_.back().notes.push_back(std::move(remark));
          last_ = &errors_.back().notes.back();
          break;
        }
        errors_.push_back({std::exchange(context_, {}), std::move(remark), {}});
        last_ = &errors_.back().error;
        break;
      case Kind::kNote:
        context_.clear();  // it was the note's
        if (errors_.empty()) break;
        errors_.back().notes.push_back(std::move(remark));
        last_ = &errors_.back().notes.back();
        break;
      case Kind::kContext:
        context_.push_back(std::move(remark));
        last_ = &context_.back();
        break;
      case Kind::kOther:
        break;
    }
  }

 private:
  static Kind Classify(const std::string& line, Remark& remark) {
    if (IsInclude(line)) return TakeInclude(line, remark);
    if (line.starts_with("  [ skipping ")) {
      remark.text = line;
      return Kind::kContext;
    }
    const std::size_t end = PathEnd(line);
    if (end == 0) return Kind::kOther;
    const std::string_view view = line;
    remark.path = KnownPath(view.substr(0, end));
    remark.text = remark.path + line.substr(end);
    const std::string_view rest = SkipPlace(view.substr(end));
    for (const std::string_view error : kErrors) {
      if (rest.starts_with(error)) return Kind::kError;
    }
    return rest.starts_with(" note: ") ? Kind::kNote : Kind::kContext;
  }

  // An error in a header that no line of the student's led to, such as a
  // template candidate that does not fit, or the same line as to the error
  // before, is a remark on that one.
  bool IsAside(const Remark& error) const {
    if (errors_.empty() || error.IsTheirs()) return false;
    const Remark* way = WayThere(context_);
    const Remark* before = WayThere(errors_.back().context);
    return way == nullptr || (before != nullptr && way->text == before->text);
  }

  // "In file included from ./kit/tensor/tensor.h:12,"
  static Kind TakeInclude(const std::string& line, Remark& remark) {
    constexpr std::string_view kFrom = "from ";
    const std::size_t begin = line.find(kFrom) + kFrom.size();
    const std::size_t end = line.find(':', begin);
    remark.path = KnownPath(line.substr(begin, end - begin));
    remark.text = "In file included from " + remark.path;
    if (end != std::string::npos) {
      remark.text += line.substr(end, line.find_last_of(kDigits) + 1 - end);
    }
    remark.text += ':';
    return Kind::kContext;
  }

  std::vector<Diagnostic>& errors_;
  std::vector<Remark> context_;
  Remark* last_ = nullptr;  // whose excerpt comes
};

}  // namespace

const Remark* WayThere(const std::vector<Remark>& context) {
  const auto last = std::find_if(context.rbegin(), context.rend(),
                                 std::mem_fn(&Remark::IsTheirs));
  return last == context.rend() ? nullptr : &*last;
}

bool Remark::IsTheirs() const {
  return path.starts_with("modules/") && path.ends_with(".cc");
}

std::vector<Diagnostic> ParseDiagnostics(std::string_view output) {
  std::vector<Diagnostic> errors;
  Parser parser(errors);
  std::istringstream lines{std::string(output)};
  for (std::string line; std::getline(lines, line);) parser.Take(line);
  return errors;
}

namespace {

// How long the beginning of `path` is that `prefix` describes; 0 if it begins
// otherwise. A '*' in `prefix` is a number.
std::size_t LengthOfPrefix(std::string_view path, std::string_view prefix) {
  std::size_t length = 0;
  for (const char c : prefix) {
    if (c == '*') {
      length = path.find_first_not_of("0123456789", length);
    } else if (path.substr(length).starts_with(c)) {
      ++length;
    } else {
      return 0;
    }
    if (length >= path.size()) return 0;
  }
  return length;
}

}  // namespace

std::string KnownPath(std::string_view path) {
  constexpr std::array<std::string_view, 8> kPrefixes = {
      "./",
      "/course/",
      "/usr/include/x86_64-linux-gnu/c++/*/",
      "/usr/include/aarch64-linux-gnu/c++/*/",
      "/usr/include/c++/*/",
      "/usr/lib/gcc/x86_64-linux-gnu/*/include/",
      "/usr/lib/gcc/aarch64-linux-gnu/*/include/",
      "/usr/include/"};
  for (const std::string_view prefix : kPrefixes) {
    if (const std::size_t length = LengthOfPrefix(path, prefix); length > 0) {
      path.remove_prefix(length);
      break;
    }
  }
  return std::string(path);
}

}  // namespace kvlab::grading
