#include "autograder/report/html.h"

#include <string>
#include <string_view>

#include "autograder/machine/text/printable.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char letter : Printable(text)) {
    switch (letter) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += letter;
    }
  }
  return escaped;
}

std::string Opened(const std::string& name, const Attributes& attributes) {
  std::string markup = "<" + name;
  for (const auto& [key, value] : attributes) {
    markup += fmt::format(" {}=\"{}\"", key, Escaped(value));
  }
  return markup + ">";
}

}  // namespace

Html Text(std::string_view text) { return Html::Trusted(Escaped(text)); }

Html Tag(const std::string& name, const Attributes& attributes,
         const Html& content) {
  return Html::Trusted(Opened(name, attributes) + content.Markup() + "</" +
                       name + ">");
}

Html Tag(const std::string& name, const Html& content) {
  return Tag(name, {}, content);
}

Html VoidTag(const std::string& name, const Attributes& attributes) {
  return Html::Trusted(Opened(name, attributes));
}

}  // namespace kvlab::grading
