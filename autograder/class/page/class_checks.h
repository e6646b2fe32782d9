// The checks of a class, each with what it gave to everyone.
#ifndef KVLAB_AUTOGRADER_CLASS_PAGE_CLASS_CHECKS_H_
#define KVLAB_AUTOGRADER_CLASS_PAGE_CLASS_CHECKS_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "autograder/class/class_marks.h"
#include "autograder/class/page/item_statistics.h"

namespace kvlab::grading {

struct ClassCheck {
  std::string name;   // "mask.chunk"
  std::string title;  // "Mask: A chunk"
  std::string part;   // "Module 1"
  ItemScores scores;  // by person, as in the list that was given
  std::size_t blocked = 0;
  std::size_t overridden = 0;
  // What most who lost it got back, with # for numbers, and how many did.
  std::string failure;
  std::size_t failed_so = 0;
  double median_seconds = 0;
  double all_seconds = 0;
};

// In the rubric's order. A check of another rubric is one of its own.
std::vector<ClassCheck> ChecksOf(std::span<const PersonMarks> people);

// A message without what differs from person to person: its first line, # for
// numbers, at most 160 characters.
std::string FailureKind(const std::string& came_back);

// 0 without numbers.
double MedianOf(std::vector<double> numbers);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_PAGE_CLASS_CHECKS_H_
