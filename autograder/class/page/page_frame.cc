#include "autograder/class/page/page_frame.h"

#include <array>
#include <cstddef>
#include <string>

#include "autograder/class/page/class_page_css.h"
#include "autograder/class/page/tables_js.h"
#include "autograder/report/course_version.h"
#include "autograder/report/html.h"
#include "fmt/format.h"
#include "openssl/evp.h"
#include "openssl/sha.h"

namespace kvlab::grading {
namespace {

// What a policy names a script by: its SHA-256 in base64.
std::string DigestOf(const std::string& script) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  std::size_t size = 0;
  ::EVP_Q_digest(nullptr, "SHA256", nullptr, script.data(), script.size(),
                 digest.data(), &size);
  constexpr std::size_t kLength = 4 * ((SHA256_DIGEST_LENGTH + 2) / 3);
  std::array<unsigned char, kLength + 1> text{};
  ::EVP_EncodeBlock(text.data(), digest.data(), digest.size());
  return {text.begin(), text.end() - 1};
}

}  // namespace

std::string SelfContainedPage(const std::string& title, const Html& body) {
  const std::string script = kTablesJs;
  const std::string policy = fmt::format(
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{}'; "
      "base-uri 'none'; form-action 'none'",
      DigestOf(script));
  const Html head =
      VoidTag("meta", {{"charset", "utf-8"}}) +
      VoidTag("meta", {{"http-equiv", "Content-Security-Policy"},
                       {"content", policy}}) +
      VoidTag("meta", {{"name", "viewport"},
                       {"content", "width=device-width, initial-scale=1"}}) +
      VoidTag("meta", {{"name", "color-scheme"}, {"content", "light dark"}}) +
      Tag("title", Text(title)) + Tag("style", Html::Trusted(kClassPageCss));
  const Html footer =
      Tag("footer",
          Tag("p", Text(fmt::format("Made by kvlab {}.", kCourseVersion))));
  const Html page = Tag(
      "html", {{"lang", "en"}},
      Tag("head", head) + Tag("body", body + footer +
                                          Tag("script", {{"type", "module"}},
                                              Html::Trusted(script))));
  return "<!DOCTYPE html>\n" + page.Markup() + "\n";
}

Html Section(const std::string& id, const std::string& title,
             const Html& content) {
  return Tag("section", {{"aria-labelledby", id}},
             Tag("h2", {{"id", id}}, Text(title)) + content);
}

}  // namespace kvlab::grading
