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

// Sums are of points as they were earned: where a part's points are shared out,
// a check may have 1.5789473684..., and rounded tasks would sum to 100.0001.
double Earned(const TaskMark& task) {
  double points = 0;
  for (const CheckMark& mark : task.checks) points += mark.points;
  return points;
}

double Earned(const PartMark& part) {
  double points = 0;
  for (const TaskMark& mark : part.tasks) points += Earned(mark);
  return points;
}

double EarnedBonus(const Marks& marks) {
  double points = 0;
  for (const PartMark& mark : marks.parts) {
    if (mark.part->bonus) points += Earned(mark);
  }
  return std::min(points, marks.most_bonus);
}

}  // namespace

double Written(double points) {
  constexpr double kPlaces = 10000;
  return std::round(points * kPlaces) / kPlaces;
}

double TaskMark::Points() const { return Written(Earned(*this)); }

double PartMark::Points() const { return Written(Earned(*this)); }

double CountedPoints::Of(const RubricPart& part, double points) {
  if (!part.bonus) return points;
  const double counted = std::min(points, bonus_left_);
  bonus_left_ -= counted;
  return counted;
}

double Marks::Points() const {
  double points = EarnedBonus(*this);
  for (const PartMark& mark : parts) {
    if (!mark.part->bonus) points += Earned(mark);
  }
  return Written(points);
}

double Marks::BonusPoints() const { return Written(EarnedBonus(*this)); }

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
  return Written(points);
}

double Marks::JudgedPoints() const {
  double points = MaxPoints();
  for (const PartMark& mark : parts) {
    if (!mark.part->bonus) points -= Blocked(mark);
  }
  return Written(points);
}

}  // namespace kvlab::grading
