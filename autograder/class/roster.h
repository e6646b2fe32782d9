// The people of a class, and their extensions.
#ifndef KVLAB_AUTOGRADER_CLASS_ROSTER_H_
#define KVLAB_AUTOGRADER_CLASS_ROSTER_H_

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/class/csv.h"
#include "autograder/scoring/iso_time.h"

namespace kvlab::grading {

struct Person {
  std::string id;
  std::string name;
  std::string email;
  std::string section;
  // By what else a platform knows them, such as Canvas's number; "" if by
  // nothing else.
  std::string platform_id;
  // An extension: a due date and late days in place of the class's.
  std::optional<ClockTime> due;
  std::optional<int> free_days;
  std::string reason;  // of the extension
};

// A person, or why none is named. Nothing is guessed.
struct PersonFound {
  const Person* person = nullptr;
  std::string problem;  // "is not on the roster"; "" if found
};

class Roster {
 public:
  // Columns: id; and if there are any, name, email, section, platform_id, due,
  // free_days, reason. Throws DataError, naming the line, for another column,
  // an id that is empty or appears twice, a date without its zone, late days
  // that are not a count, or an extension without a reason.
  static Roster Parse(const CsvFile& file, const std::string& source);
  static Roster Read(const std::filesystem::path& file);

  const std::vector<Person>& People() const { return people_; }

  // By id, else by platform_id or e-mail, else by any of them in other letter
  // cases or another Unicode form (macOS writes names decomposed). A key that
  // fits several people in the same way names none of them.
  PersonFound Find(std::string_view key) const;

 private:
  void Add(Person person);

  std::vector<Person> people_;
  // From keys to places in people_, for each of the three ways.
  std::multimap<std::string, std::size_t, std::less<>> by_id_;
  std::multimap<std::string, std::size_t, std::less<>> by_other_;
  std::multimap<std::string, std::size_t, std::less<>> by_folded_;
};

// The text in one Unicode form and letter case, for comparisons; nothing if it
// is not UTF-8.
std::optional<std::string> FoldedText(std::string_view text);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_ROSTER_H_
