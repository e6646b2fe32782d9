#include "autograder/scoring/marks.h"

#include <algorithm>
#include <cmath>

namespace kvlab::grading {
namespace {

// The points of the checks that could not be judged.
double Blocked(const PartMark& part) {
  double points = 0;
  for (const TaskMark& task : part.tasks) {
    for (const CheckMark& mark : task.checks) {
      if (mark.blocked) points += mark.check->points;
    }
  }
  return points;
}

}  // namespace

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

double CountedPoints::Of(const RubricPart& part, double points) {
  if (!part.bonus) return points;
  const double counted = std::min(points, bonus_left_);
  bonus_left_ -= counted;
  return counted;
}

double Marks::Points() const {
  double points = BonusPoints();
  for (const PartMark& mark : parts) {
    if (!mark.part->bonus) points += mark.Points();
  }
  return Written(points);
}

double Marks::BonusPoints() const {
  double points = 0;
  for (const PartMark& mark : parts) {
    if (mark.part->bonus) points += mark.Points();
  }
  return Written(std::min(points, most_bonus));
}

double Marks::MaxPoints() const {
  double points = 0;
  for (const PartMark& mark : parts) {
    if (!mark.part->bonus) points += mark.part->Points();
  }
  return Written(points);
}

double Marks::MaxBonusPoints() const {
  double points = 0;
  for (const PartMark& mark : parts) {
    if (mark.part->bonus) points += mark.part->Points();
  }
  return Written(std::min(points, most_bonus));
}

double Marks::BlockedPoints() const {
  double points = 0;
  for (const PartMark& mark : parts) points += Blocked(mark);
  return points;
}

double Marks::JudgedPoints() const {
  double points = MaxPoints();
  for (const PartMark& mark : parts) {
    if (!mark.part->bonus) points -= Blocked(mark);
  }
  return Written(points);
}

}  // namespace kvlab::grading
