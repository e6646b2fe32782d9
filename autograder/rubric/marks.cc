#include "autograder/rubric/marks.h"

namespace kvlab::grading {

double TaskMark::Points() const {
  double points = 0;
  for (const CheckMark& mark : checks) points += mark.points;
  return points;
}

double PartMark::Points() const {
  double points = 0;
  for (const TaskMark& mark : tasks) points += mark.Points();
  return points;
}

double Marks::Points() const {
  double points = 0;
  for (const PartMark& mark : parts) points += mark.Points();
  return points;
}

double Marks::MaxPoints() const {
  double points = 0;
  for (const PartMark& mark : parts) points += mark.part->Points();
  return points;
}

}  // namespace kvlab::grading
