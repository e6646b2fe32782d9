#include "quiz/quiz.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "quiz/answer_sheet.h"
#include "quiz/typed_number.h"
#include "quiz/variant.h"

namespace kvlab {
namespace {

const std::string kChoice = R"(
[[questions]]
id = "colour"
text = "Which colour?"
options = [ { key = "r", text = "red" }, { key = "g", text = "green" },
            { key = "b", text = "blue" } ]
)";
const std::string kNumber = R"(
[[questions]]
id = "sum"
text = "What is {a} plus {b}?"
unit = "apples"
cases = [ { a = 1024, b = 0.5 }, { a = 7, b = 8 } ]
)";

Quiz Course() { return LoadQuiz("modules/04_profiling/quiz.toml"); }

template <typename Call>
std::string ErrorOf(const Call& call) {
  try {
    call();
  } catch (const DataError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(QuizTest, AskForAChoiceOrANumber) {
  const Quiz quiz = ParseQuiz(kChoice + kNumber, "quiz.toml");
  ASSERT_EQ(quiz.questions.size(), 2U);
  EXPECT_TRUE(quiz.questions[0].IsChoice());
  EXPECT_FALSE(quiz.Find("sum")->IsChoice());
  EXPECT_EQ(quiz.Find("sum")->unit, "apples");
  EXPECT_EQ(quiz.Find("nothing"), nullptr);
}

TEST(QuizTest, MistakesAreToldWithFileAndLine) {
  const std::map<std::string, std::string> mistakes = {
      {"colour = 1", "'colour' is not known here"},
      {kChoice + kChoice, "'colour' appears twice"},
      {"[[questions]]\nid = 'a'\ntext = 'b'\n", "either options or the unit"},
      {"[[questions]]\nid = 'a'\ntext = ''\nunit = 'c'\n",
       "'text' must not be empty"},
      {"[[questions]]\nid = 'a'\ntext = '{x}?'\nunit = 'c'\n",
       "{x} has no value"},
      {"[[questions]]\nid = 'a'\ntext = '{x}?'\nunit = 'c'\ncases=[{y=1}]\n",
       "the text names x; a case gives y"},
      {"[[questions]]\nid = 'a'\ntext = '{x}?'\nunit = 'c'\ncases=[{x='1'}]\n",
       "'x' must be a number"},
      {"[[questions]]\nid = 'a'\ntext = 'b'\noptions=[{key='c',text='d'}]\n",
       "at least two options"},
      {"[[questions]]\nid = 'a'\ntext = 'b'\n"
       "options=[{key='c',text='d'},{key='c',text='e'}]\n",
       "option 'c' appears twice"},
      {"questions = 3", "'questions' must be a list"},
      {"questions = [3]", "'questions' must be a list of tables"},
      {"", "there are no questions"},
      {"[[questions]", "correct the TOML syntax"},
  };
  for (const auto& [toml, says] : mistakes) {
    const std::string error =
        ErrorOf([&toml = toml] { ParseQuiz(toml, "my/quiz.toml"); });
    EXPECT_NE(error.find(says), std::string::npos) << toml << '\n' << error;
    EXPECT_NE(error.find("my/quiz.toml:"), std::string::npos) << error;
  }
}

TEST(VariantTest, TheSameStudentGetsTheSameQuestions) {
  const Quiz quiz = Course();
  for (const QuizQuestion& question : quiz.questions) {
    const QuizVariant one = VariantFor(question, "ann");
    const QuizVariant again = VariantFor(question, "ann");
    EXPECT_EQ(one.text, again.text);
    EXPECT_EQ(one.order, again.order);
  }
}

// Must never change: submitted answers must mean the same next year.
TEST(VariantTest, StaysWhatItWas) {
  const Quiz quiz = ParseQuiz(kChoice + kNumber, "quiz.toml");
  EXPECT_EQ(VariantFor(quiz.questions[0], "ann@example.org").order,
            (std::vector<std::size_t>{1, 0, 2}));
  EXPECT_EQ(VariantFor(quiz.questions[1], "ann@example.org").text,
            "What is 7 plus 8?");
}

TEST(VariantTest, NumbersAreWrittenAsInTheCourse) {
  const Quiz quiz = ParseQuiz(kNumber, "quiz.toml");
  std::set<std::string> texts;
  for (int i = 0; i < 50; ++i) {
    texts.insert(VariantFor(quiz.questions[0], fmt::format("s{}", i)).text);
  }
  EXPECT_EQ(texts, (std::set<std::string>{"What is 7 plus 8?",
                                          "What is 1,024 plus 0.5?"}));
}

TEST(VariantTest, EveryOptionStandsAtEveryLetterForSomebody) {
  for (const QuizQuestion& question : Course().questions) {
    if (!question.IsChoice()) continue;
    const std::size_t size = question.options.size();
    std::set<std::pair<std::size_t, std::size_t>> seen;
    for (int i = 0; i < 200; ++i) {
      const QuizVariant variant = VariantFor(question, fmt::format("s{}", i));
      std::set<std::size_t> each(variant.order.begin(), variant.order.end());
      ASSERT_EQ(each.size(), size) << "an option is missing";
      for (std::size_t place = 0; place < size; ++place) {
        seen.emplace(place, variant.order[place]);
      }
    }
    EXPECT_EQ(seen.size(), size * size) << question.id;
  }
}

TEST(VariantTest, EveryCaseIsSomebodys) {
  for (const QuizQuestion& question : Course().questions) {
    if (question.cases.empty()) continue;
    std::set<QuizNumbers> seen;
    for (int i = 0; i < 300; ++i) {
      seen.insert(VariantFor(question, fmt::format("s{}", i)).numbers);
    }
    EXPECT_EQ(seen.size(), question.cases.size()) << question.id;
  }
}

TEST(StudentIdTest, SpacesAndCaseDoNotCount) {
  EXPECT_EQ(StudentId("  Ann.Lee+1@Example.ORG\n"), "ann.lee+1@example.org");
}

TEST(StudentIdTest, NamesOfPeopleAreIds) {
  EXPECT_EQ(StudentId("O'Brien@example.edu"), "o'brien@example.edu");
  EXPECT_EQ(StudentId("O\u2019Brien@example.edu"), "o'brien@example.edu");
  EXPECT_EQ(StudentId("M\u00dcLLER@example.edu"), "m\u00fcller@example.edu");
  EXPECT_EQ(StudentId("\u674e\u96f7"), "\u674e\u96f7");
}

// A platform hands over whatever address its users have; one that is refused
// would leave its student without a mark.
TEST(StudentIdTest, EveryAddressFits) {
  const std::string longest =
      std::string(64, 'a') + "@" + std::string(189, 'b');
  EXPECT_EQ(longest.size(), 254U);
  EXPECT_EQ(StudentId(longest), longest);
}

// A Mac writes u and a combining accent, others a single letter.
TEST(StudentIdTest, AnAccentIsPartOfItsLetter) {
  EXPECT_EQ(StudentId("mu\u0308ller"), StudentId("m\u00fcller"));
}

TEST(StudentIdTest, OtherThingsAreRefused) {
  // A control that reverses the rest of a line, in parts to have no effect
  // here.
  const std::string right_to_left = {'\xE2', '\x80', '\xAE'};
  for (const std::string& id :
       {std::string(), std::string("  "), std::string("a b"),
        std::string("../x"), std::string("\xC3"), std::string("a\0b", 3),
        std::string("a\"b"), std::string("a\\b"), std::string("a\x1b[2J"),
        right_to_left + "ann", std::string(255, 'a')}) {
    EXPECT_THROW(StudentId(id), DataError) << id;
  }
}

TEST(AnswerSheetTest, ABlankSheetHasEveryQuestionAndNoAnswer) {
  const Quiz quiz = Course();
  const std::string text = BlankSheet(quiz, "ann");
  const AnswerSheet sheet = ParseAnswerSheet(text, "answers.json");
  EXPECT_EQ(sheet.student, "ann");
  EXPECT_TRUE(sheet.answers.empty());
  for (const QuizQuestion& question : quiz.questions) {
    EXPECT_NE(text.find("\n    \"" + question.id + "\": \"\""),
              std::string::npos);
  }
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 81U) << line;  // n² has two bytes
  }
}

TEST(AnswerSheetTest, HoldsLettersAndNumbers) {
  const AnswerSheet sheet = ParseAnswerSheet(
      R"(// comments are fine
         { "student": "Ann", "answers": {
           "colour": "b", "sum": 15, "half": 0.5, "left_out": "" } })",
      "answers.json");
  EXPECT_EQ(sheet.student, "ann");
  EXPECT_EQ(std::get<std::string>(sheet.answers.at("colour")), "b");
  EXPECT_EQ(std::get<double>(sheet.answers.at("sum")), 15);
  EXPECT_EQ(std::get<double>(sheet.answers.at("half")), 0.5);
  EXPECT_FALSE(sheet.answers.contains("left_out"));
}

TEST(AnswerSheetTest, SaysWhatIsWrongAndWhere) {
  const std::map<std::string, std::string> mistakes = {
      {R"({"answers": {}})", R"("student" is missing, or not text)"},
      {R"({"student": 1, "answers": {}})", R"("student" is missing)"},
      {R"({"student": "ann"})", R"("answers" is missing)"},
      {R"({"student": "ann", "answers": []})", R"("answers" is missing)"},
      {R"({"student": "a b", "answers": {}})", "not a student's id"},
      {R"({"student": "ann", "answers": {"sum": NaN}})", "line 1"},
      {"{\"answers\": {\n\"sum\": }}", "line 2"},
      {"[1]", "does not begin with {"},
      {"", "line 1"},
      {std::string("{\"student\": \"ann\", \"answers\": {}}\0", 34),
       "it contains a NUL"},
      {std::string("\xFF\xFE{\0x", 5), "incomplete UTF-16"},
  };
  for (const auto& [text, says] : mistakes) {
    const std::string error =
        ErrorOf([&text = text] { ParseAnswerSheet(text, "answers.json"); });
    EXPECT_NE(error.find(says), std::string::npos) << text << '\n' << error;
  }
}

// The answers of a sheet with these lines, as written.
std::map<std::string, std::string> Answers(const std::string& lines) {
  const std::string text =
      "{\n  \"student\": \"ann@example.edu\",\n  \"answers\": {\n" + lines +
      "\n  }\n}\n";
  std::map<std::string, std::string> answers;
  const AnswerSheet sheet = ParseAnswerSheet(text, "answers.json");
  EXPECT_EQ(sheet.student, "ann@example.edu");
  for (const auto& [question, answer] : sheet.answers) {
    const auto* number = std::get_if<double>(&answer);
    answers[question] = number != nullptr ? fmt::format("{}", *number)
                                          : std::get<std::string>(answer);
  }
  return answers;
}

using Written = std::map<std::string, std::string>;

// A line that cannot be read loses only its own answer.
TEST(AnswerSheetTest, ABadLineCostsOneAnswer) {
  const Written right = {{"a", "c"}, {"b", "1152"}, {"z", "d"}};
  EXPECT_EQ(Answers("\"a\": \"c\",\n\"b\": 1152,\n\"z\": \"d\","), right);
  EXPECT_EQ(Answers("\"a\": \"c\"\n\"b\": 1152\n\"z\": \"d\""), right);
  EXPECT_EQ(Answers("\"a\": c,\n\"b\": \"1152\",\n\"z\": 'd'"), right);
  EXPECT_EQ(Answers("\u201ca\u201d: \u201cc\u201d,\n\u201eb\u201c: 1152,\n"
                    "\u00abz\u00bb: \u00abd\u00bb"),
            right);
  EXPECT_EQ(Answers("\"a\": \"c\",\n\"b\": 1,152,\n\"z\": \"d\""),
            (Written{{"a", "c"}, {"b", "1,152"}, {"z", "d"}}));
  EXPECT_EQ(Answers("\"a\": \"c\",\n\"b\": 1152 MiB,\n\"z\": \"d\""),
            (Written{{"a", "c"}, {"b", "1152 MiB"}, {"z", "d"}}));
  EXPECT_EQ(Answers("\"a\": \"c\",\n\"b\": [1],\n\"z\": true"),
            (Written{{"a", "c"}, {"b", "[...]"}, {"z", "true"}}));
  EXPECT_EQ(Answers("\"a\": \"c\",\n\"b\": null,\n\"z\": \" \""),
            (Written{{"a", "c"}}));
}

TEST(AnswerSheetTest, ASheetAnsweredTwiceIsNone) {
  EXPECT_NE(ErrorOf([] {
              Answers("\"a\": c\n\"a\": d");
            }).find("not an answer sheet"),
            std::string::npos);
}

// As Windows PowerShell and its editors save it.
TEST(AnswerSheetTest, EveryEditorsEncodingIsRead) {
  const std::string text =
      "{\r\n\"student\": \"ann\",\r\n\"answers\": {\"a\": \"c\"}}\r\n";
  std::string little;
  std::string big;
  for (const char letter : text) {
    little += {letter, '\0'};
    big += {'\0', letter};
  }
  for (const std::string& saved :
       {text, "\xEF\xBB\xBF" + text, little, "\xFF\xFE" + little, big,
        "\xFE\xFF" + big}) {
    const AnswerSheet sheet = ParseAnswerSheet(saved, "answers.json");
    EXPECT_EQ(sheet.student, "ann");
    EXPECT_EQ(std::get<std::string>(sheet.answers.at("a")), "c");
  }
}

TEST(AnswerSheetTest, AnAnswerHasToBeOneToTheQuestion) {
  const Quiz quiz = ParseQuiz(kChoice + kNumber, "quiz.toml");
  const QuizQuestion& colour = quiz.questions[0];
  const QuizQuestion& sum = quiz.questions[1];
  for (const std::string clear :
       {"a", "C", " b ", "c)", "(c)", "c.", "'c'", "c) blue"}) {
    EXPECT_EQ(Unfit(colour, clear), "") << clear;
  }
  EXPECT_EQ(ChosenPlace("C"), 2U);
  EXPECT_EQ(ChosenPlace("c) blue"), 2U);
  for (const QuizAnswer& answer :
       {QuizAnswer("d"), QuizAnswer("red"), QuizAnswer("1"), QuizAnswer("?"),
        QuizAnswer("\xC3"), QuizAnswer(""), QuizAnswer("a or b"),
        QuizAnswer("ab"), QuizAnswer("()"), QuizAnswer(1.0)}) {
    EXPECT_NE(Unfit(colour, answer), "");
  }
  EXPECT_EQ(Unfit(sum, 15.0), "");
  EXPECT_EQ(Unfit(sum, "15"), "");
  EXPECT_NE(Unfit(sum, "fifteen"), "");
}

TEST(AnswerSheetTest, WhatWasTypedInAnotherWayIsSaidInOne) {
  const Quiz quiz = ParseQuiz(kChoice + kNumber, "quiz.toml");
  EXPECT_EQ(ReadAs(quiz.questions[1], "1,152 apples"), "1152");
  EXPECT_EQ(ReadAs(quiz.questions[1], "1152"), "");
  EXPECT_EQ(ReadAs(quiz.questions[1], 1152.0), "");
  EXPECT_EQ(ReadAs(quiz.questions[0], "C)"), "c");
  EXPECT_EQ(ReadAs(quiz.questions[0], "purple"), "");
}

TEST(TypedNumberTest, WhatIsClearCounts) {
  const std::string unit = "MiB (1 MiB = 1,048,576 bytes)";
  const std::map<std::string, double> clear = {{"1152", 1152},
                                               {" 1152 ", 1152},
                                               {"1,152", 1152},
                                               {"1 152", 1152},
                                               {"1'152", 1152},
                                               {"1_152", 1152},
                                               {"1,152,000", 1152000},
                                               {"1152.0", 1152},
                                               {"1,152.5", 1152.5},
                                               {"1.152,5", 1152.5},
                                               {"2,0", 2},
                                               {"2.0", 2},
                                               {"0,125", 0.125},
                                               {"37,75", 37.75},
                                               {"1152 MiB", 1152},
                                               {"1152MiB", 1152},
                                               {"1,152 mib", 1152},
                                               {"= 1152", 1152},
                                               {"-3", -3},
                                               {"+3", 3},
                                               {"1.152e3", 1152},
                                               {"1 152,5", 1152.5}};
  for (const auto& [text, number] : clear) {
    EXPECT_EQ(TypedNumber(text, unit), number) << text;
  }
  EXPECT_EQ(TypedNumber("row 9", "a row"), 9);
  EXPECT_EQ(TypedNumber("9 rows", "a row"), 9);
  EXPECT_EQ(TypedNumber("2.0 times", "times, to one decimal place or better"),
            2);
}

TEST(TypedNumberTest, WhatIsNotClearIsNoNumber) {
  const std::string unit = "MiB (1 MiB = 1,048,576 bytes)";
  for (const std::string text :
       {"",      " ",          "MiB", "1.125 GiB", "1152 MB", "about 3",
        "1,2,3", "1,15,200",   "1 2", "1,152,0",   "1.2.3",   "12 or 13",
        "1/2",   "2^10",       "inf", "nan",       "0x10",    "1e999",
        "--3",   "1152 bytes", ",5",  "1,",        "\xC3\xA4"}) {
    EXPECT_EQ(TypedNumber(text, unit), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace kvlab
