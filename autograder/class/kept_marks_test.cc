// Which marks stay when a rubric or a check changes.
#include "autograder/class/kept_marks.h"

#include <cstddef>
#include <set>
#include <string>

#include "autograder/class/mark_record.h"
#include "autograder/report/sample_report.h"
#include "autograder/scoring/marks.h"
#include "autograder/scoring/rubric.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class KeptMarksTest : public testing::Test {
 protected:
  KeptMarksTest() : sample_(PerfectSample()), today_(*sample_.rubric) {
    sample_.Mark(0, 1).points = 0.5;
    sample_.Mark(0, 1).came_back = "wrong";
  }

  RestoredReport Before() const {
    return Restore(RubricRecord(*sample_.rubric), MarksRecord(sample_.report));
  }

  // The checks of today's rubric that have no mark.
  std::set<std::string> Gone(const JudgedAgain& again = {}) const {
    const Marks kept = MarksThatStay(Before(), today_, again);
    std::set<std::string> gone;
    for (const RubricPart& part : today_.parts) {
      for (const RubricTask& task : part.tasks) {
        for (const RubricCheck& check : task.checks) {
          gone.insert(check.name);
        }
      }
    }
    for (const PartMark& part : kept.parts) {
      for (const TaskMark& task : part.tasks) {
        for (const CheckMark& mark : task.checks) gone.erase(mark.check->name);
      }
    }
    return gone;
  }

  RubricCheck& Today(std::size_t part, std::size_t check) {
    return today_.parts.at(part).tasks.at(0).checks.at(check);
  }

  Sample sample_;
  Rubric today_;
};

TEST_F(KeptMarksTest, UnderTheSameRubricAllStay) {
  EXPECT_THAT(Gone(), IsEmpty());
  const Marks kept = MarksThatStay(Before(), today_, {});
  EXPECT_EQ(kept.Points(), sample_.report.marks.Points());
  EXPECT_EQ(kept.parts[0].part, today_.parts.data())
      << "in terms of the rubric of today";
  EXPECT_EQ(kept.parts[0].tasks[0].checks[1].came_back, "wrong");
}

TEST_F(KeptMarksTest, WhatAuthorsReadMayChange) {
  today_.parts[0].title = "Module 1, the first";
  Today(0, 0).title = "Another title";
  Today(0, 0).why = "Another reason.";
  Today(0, 0).visibility = Visibility::kHidden;
  Today(0, 1).follows = {"first"};
  EXPECT_THAT(Gone(), IsEmpty());
}

TEST_F(KeptMarksTest, OtherPointsAreOfTheSameShare) {
  Today(0, 0).points = 3;  // of 1
  Today(0, 1).points = 8;  // 0.5 of 2
  const Marks kept = MarksThatStay(Before(), today_, {});
  EXPECT_EQ(kept.parts[0].tasks[0].checks[0].points, 3);
  EXPECT_EQ(kept.parts[0].tasks[0].checks[1].points, 2);
}

TEST_F(KeptMarksTest, AShareOfNothingIsNotKnown) {
  sample_.rubric->parts[0].tasks[0].checks[0].points = 0;
  sample_.Mark(0, 0).points = 0;
  EXPECT_THAT(Gone(), ElementsAre("first")) << "it has 1 point today";
}

TEST_F(KeptMarksTest, WhatIsJudgedOtherwiseIsJudgedAgain) {
  Today(0, 0).settings["tolerance"] = 1e-5;
  Today(0, 1).run = "another";
  Today(0, 2).needs = {"first"};
  Today(0, 3).alone = 0.5;
  Today(1, 0).affordable = {"first"};
  Today(2, 0).tiers = {{.at_least = 5, .share = 1}};
  EXPECT_THAT(Gone(), UnorderedElementsAre("first", "second", "third", "fourth",
                                           "fifth", "speed.50"));
}

TEST_F(KeptMarksTest, OtherLimitsTouchEverything) {
  today_.limits.call.seconds += 1;
  EXPECT_EQ(Gone().size(), 8U);
}

TEST_F(KeptMarksTest, ACheckOfAnotherTaskOrModuleIsAnotherOne) {
  today_.parts[0].tasks[0].id = "1.2";
  today_.parts[1].module = "04_profiling";
  EXPECT_THAT(Gone(), UnorderedElementsAre("first", "second", "third", "fourth",
                                           "fifth"));
}

TEST_F(KeptMarksTest, WhatIsNamedIsJudgedAgain) {
  EXPECT_THAT(Gone({.checks = {"first"}}), ElementsAre("first"));
  EXPECT_THAT(Gone({.checks = {"Module 1: attention/first"}}),
              ElementsAre("first"));
  for (const char* part : {"2", "02_transformer", "Module 2: transformer"}) {
    EXPECT_THAT(Gone({.parts = {part}}), ElementsAre("fifth")) << part;
  }
}

TEST_F(KeptMarksTest, WhatEarnsAloneByACostIsJudgedAgainWithIt) {
  for (Rubric* rubric : {sample_.rubric.get(), &today_}) {
    rubric->parts[2].tasks[0].checks[1].affordable = {"speed.50"};
  }
  EXPECT_THAT(Gone({.checks = {"speed.50"}}), ElementsAre("speed.50"))
      << "what passed needs no such share";
  sample_.Mark(2, 1).points = 1;
  EXPECT_THAT(Gone({.checks = {"speed.50"}}),
              UnorderedElementsAre("speed.50", "speed.500"));
}

TEST_F(KeptMarksTest, WhatCouldNotBeJudgedStaysSoUnlessItIsAskedFor) {
  sample_.Mark(2, 0).blocked = true;
  EXPECT_THAT(Gone(), IsEmpty());
  EXPECT_THAT(Gone({.blocked = true}), ElementsAre("speed.50"));
}

TEST_F(KeptMarksTest, ACheckOfCodeThatDoesNotCompileStaysUnlessItsPartIsNamed) {
  sample_.report.marks.parts[0].trouble = "it does not compile";
  EXPECT_THAT(Gone({.checks = {"first"}}), IsEmpty());
  EXPECT_EQ(Gone({.parts = {"1"}}).size(), 4U);
}

TEST_F(KeptMarksTest, OfAnEarlierKvlabsRecordAPartStaysWholeOrNot) {
  RestoredReport before = Before();
  before.is_complete = false;
  const Marks kept = MarksThatStay(before, today_, {.checks = {"first"}});
  ASSERT_EQ(kept.parts.size(), 2U);
  EXPECT_EQ(kept.parts[0].part->module, "02_transformer");
}

TEST_F(KeptMarksTest, OtherChangesAreThoseThatNoNameCovers) {
  EXPECT_THAT(OtherChanges(Before(), today_, {}), IsEmpty());
  Today(0, 0).points = 3;
  Today(1, 0).settings["tolerance"] = 1e-5;
  today_.parts[2].tasks[0].checks.pop_back();
  EXPECT_THAT(
      OtherChanges(Before(), today_, {.checks = {"fifth"}}),
      ElementsAre("Module 1: attention/first", "Module 3: memoization/memory"));
}

TEST_F(KeptMarksTest, UnknownNamesAreRefused) {
  EXPECT_NO_THROW(ExpectKnown({.checks = {"first"}, .parts = {"1"}}, today_));
  EXPECT_THROW(ExpectKnown({.checks = {"gone"}}, today_), DataError);
  EXPECT_THROW(ExpectKnown({.parts = {"9"}}, today_), DataError);
  EXPECT_THROW(ExpectKnown({.parts = {""}}, today_), DataError);
}

}  // namespace
}  // namespace kvlab::grading
