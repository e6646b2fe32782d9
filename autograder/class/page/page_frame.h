// What the self-contained pages of a class have in common.
#ifndef KVLAB_AUTOGRADER_CLASS_PAGE_PAGE_FRAME_H_
#define KVLAB_AUTOGRADER_CLASS_PAGE_PAGE_FRAME_H_

#include <string>

#include "autograder/report/html.h"

namespace kvlab::grading {

// A whole page: its style, and the script that sorts and filters tables, are in
// it. Its policy forbids any other script and every request.
std::string SelfContainedPage(const std::string& title, const Html& body);

// <section> with a heading.
Html Section(const std::string& id, const std::string& title,
             const Html& content);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_PAGE_PAGE_FRAME_H_
