// Pieces of an HTML page. An Html is always correctly escaped.
#ifndef KVLAB_AUTOGRADER_REPORT_HTML_H_
#define KVLAB_AUTOGRADER_REPORT_HTML_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvlab::grading {

// Markup, a separate type from text: only Text() turns text into markup.
class Html {
 public:
  Html() = default;

  // Trusted markup: a constant or a file of this folder, never text of a
  // submission.
  static Html Trusted(std::string_view markup) {
    return Html(std::string(markup));
  }

  Html& operator+=(const Html& other) {
    markup_ += other.markup_;
    return *this;
  }
  friend Html operator+(Html left, const Html& right) { return left += right; }

  const std::string& Markup() const { return markup_; }

 private:
  explicit Html(std::string markup) : markup_(std::move(markup)) {}

  std::string markup_;
};

// `text`, legible and escaped.
Html Text(std::string_view text);

// Names are constants in this code; values are escaped.
using Attributes = std::vector<std::pair<std::string, std::string>>;

// <name attributes>content</name>
Html Tag(const std::string& name, const Attributes& attributes,
         const Html& content);
Html Tag(const std::string& name, const Html& content);

// <name attributes>, for elements that have no content: meta.
Html VoidTag(const std::string& name, const Attributes& attributes);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_HTML_H_
