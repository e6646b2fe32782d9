#include "autograder/scoring/marks.h"

#include <cmath>

namespace kvlab::grading {

double Written(double points) {
  constexpr double kPlaces = 10000;
  return std::round(points * kPlaces) / kPlaces;
}

double TaskMark::Points() const {
  double points = 0;
  for (const CheckMark& mark : checks) points += mark.points;
  return Written(points);
}

double PartMark::Points() const {
  double points = 0;
  for (const TaskMark& mark : tasks) points += mark.Points();
  return Written(points);
}

double Marks::Points() const {
  double points = 0;
  for (const PartMark& mark : parts) points += mark.Points();
  return Written(points);
}

double Marks::BlockedPoints() const {
  double points = 0;
  for (const PartMark& part : parts) {
    for (const TaskMark& task : part.tasks) {
      for (const CheckMark& mark : task.checks) {
        if (mark.blocked) points += mark.check->points;
      }
    }
  }
  return points;
}

double Marks::MaxPoints() const {
  double points = 0;
  for (const PartMark& mark : parts) points += mark.part->Points();
  return Written(points);
}

}  // namespace kvlab::grading
