#include "autograder/class/similarity/alike_pairs.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "autograder/class/similarity/alike_passages.h"
#include "autograder/class/similarity/given_code.h"

namespace kvlab::grading {
namespace {

// All files of an author, one after the other.
struct Joined {
  struct Piece {
    std::string file;
    std::uint32_t before = 0;  // lines of the files above it
    std::uint32_t lines = 0;
  };
  std::vector<Piece> pieces;
  std::string text;
  std::vector<bool> own;  // by line

  const Piece& At(std::uint32_t line) const {
    for (const Piece& piece : pieces) {
      if (line <= piece.before + piece.lines) return piece;
    }
    return pieces.back();
  }
};

Joined Join(const std::map<std::string, OwnCode>& files) {
  Joined joined;
  for (const auto& [name, code] : files) {
    joined.pieces.push_back(
        {.file = name,
         .before = static_cast<std::uint32_t>(joined.own.size()),
         .lines = static_cast<std::uint32_t>(code.own.size())});
    joined.text += code.text;
    joined.own.insert(joined.own.end(), code.own.begin(), code.own.end());
  }
  return joined;
}

// Which own lines these passages cover, in one of their two texts.
std::vector<std::size_t> Covered(std::span<const AlikePassage> passages,
                                 Lines AlikePassage::*side,
                                 const Joined& text) {
  std::vector<std::size_t> lines;
  for (const AlikePassage& passage : passages) {
    const Lines& range = passage.*side;
    for (std::size_t i = range.first; i <= range.last; ++i) {
      if (i <= text.own.size() && text.own[i - 1]) lines.push_back(i - 1);
    }
  }
  std::ranges::sort(lines);
  // Not of std::ranges, whose result clang does not take.
  lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  return lines;
}

// The part of a range that is in the file where it begins.
std::pair<std::string, Lines> InFile(const Joined& text, const Lines& range) {
  const Joined::Piece& piece = text.At(range.first);
  return {piece.file,
          {.first = range.first - piece.before,
           .last = std::min(range.last - piece.before, piece.lines)}};
}

double ShareOf(std::size_t lines, const Joined& text) {
  const auto own = std::ranges::count(text.own, true);
  return own == 0 ? 0 : static_cast<double>(lines) / static_cast<double>(own);
}

class Comparison {
 public:
  Comparison(const std::vector<Joined>& texts,
             std::vector<AlikePassage> passages)
      : texts_(texts), passages_(std::move(passages)) {
    // The earlier one of the list first, so that each pair is found once.
    for (AlikePassage& each : passages_) {
      if (each.one < each.other) continue;
      std::swap(each.one, each.other);
      std::swap(each.in_one, each.in_other);
    }
    std::ranges::sort(passages_, {}, [](const AlikePassage& each) {
      return std::tuple(each.one, each.other, each.in_one.first);
    });
    for (const Joined& text : texts) partners_.emplace_back(text.own.size());
    ForEachPair([this](std::span<const AlikePassage> pair) {
      for (const std::size_t i : LinesOfOne(pair)) {
        ++partners_[pair.front().one][i];
      }
      for (const std::size_t i : LinesOfOther(pair)) {
        ++partners_[pair.front().other][i];
      }
    });
  }

  std::vector<AlikePair> Pairs(std::size_t most_common) {
    std::vector<AlikePair> pairs;
    ForEachPair([&](std::span<const AlikePassage> passages) {
      AlikePair pair = PairOf(passages, most_common);
      if (std::min(pair.lines_of_one, pair.lines_of_other) < kLeastLines ||
          pair.Share() < kLeastShare) {
        return;
      }
      for (const AlikePassage& each : passages) {
        if (HasRare(each, most_common)) pair.passages.push_back(Shared(each));
      }
      std::ranges::stable_sort(pair.passages, std::ranges::greater(),
                               [](const SharedPassage& each) {
                                 return each.in_one.last - each.in_one.first;
                               });
      pairs.push_back(std::move(pair));
    });
    std::ranges::stable_sort(
        pairs, std::ranges::greater(), [](const AlikePair& pair) {
          return std::pair(pair.Share(), pair.lines_of_one);
        });
    return pairs;
  }

 private:
  template <typename Use>
  void ForEachPair(const Use& use) const {
    for (auto begin = passages_.begin(); begin != passages_.end();) {
      const auto end =
          std::find_if(begin, passages_.end(), [&](const AlikePassage& each) {
            return each.one != begin->one || each.other != begin->other;
          });
      // Of one text with itself there are none.
      if (begin->one != begin->other) use({begin, end});
      begin = end;
    }
  }

  std::vector<std::size_t> LinesOfOne(
      std::span<const AlikePassage> pair) const {
    return Covered(pair, &AlikePassage::in_one, texts_[pair.front().one]);
  }
  std::vector<std::size_t> LinesOfOther(
      std::span<const AlikePassage> pair) const {
    return Covered(pair, &AlikePassage::in_other, texts_[pair.front().other]);
  }

  AlikePair PairOf(std::span<const AlikePassage> passages,
                   std::size_t most_common) const {
    AlikePair pair;
    pair.one = passages.front().one;
    pair.other = passages.front().other;
    const auto rare = [&](std::size_t author,
                          const std::vector<std::size_t>& lines) {
      return static_cast<std::size_t>(std::ranges::count_if(
          lines,
          [&](std::size_t i) { return partners_[author][i] <= most_common; }));
    };
    pair.lines_of_one = rare(pair.one, LinesOfOne(passages));
    pair.lines_of_other = rare(pair.other, LinesOfOther(passages));
    pair.share_of_one = ShareOf(pair.lines_of_one, texts_[pair.one]);
    pair.share_of_other = ShareOf(pair.lines_of_other, texts_[pair.other]);
    return pair;
  }

  bool HasRare(const AlikePassage& passage, std::size_t most_common) const {
    return std::ranges::any_of(LinesOfOne({&passage, 1}), [&](std::size_t i) {
      return partners_[passage.one][i] <= most_common;
    });
  }

  SharedPassage Shared(const AlikePassage& passage) const {
    SharedPassage shared;
    std::tie(shared.file_of_one, shared.in_one) =
        InFile(texts_[passage.one], passage.in_one);
    std::tie(shared.file_of_other, shared.in_other) =
        InFile(texts_[passage.other], passage.in_other);
    return shared;
  }

  const std::vector<Joined>& texts_;
  std::vector<AlikePassage> passages_;
  // Of each line: the number of other people with a passage that covers it.
  std::vector<std::vector<std::uint32_t>> partners_;
};

}  // namespace

double AlikePair::Share() const {
  return std::max(share_of_one, share_of_other);
}

std::size_t MostCommon(std::size_t authors) {
  constexpr std::size_t kFew = 3;
  constexpr std::size_t kRing = 10;  // people who may have worked together
  return std::max({kFew, std::min(kRing, authors / 5), authors / 20});
}

AlikeCode FindAlikeCode(std::span<const Author> authors,
                        const GivenCode& given) {
  AlikeCode code;
  std::vector<Joined> joined;
  std::vector<std::string> texts;
  std::size_t old = 0;
  for (const Author& author : authors) {
    std::map<std::string, OwnCode>& own = code.own.emplace_back();
    for (const auto& [name, text] : author.sources) {
      own.emplace(name, given.Without(text));
    }
    joined.push_back(Join(own));
    texts.push_back(joined.back().text);
    old += author.is_earlier ? 1 : 0;
  }
  code.most_common = MostCommon(authors.size());
  if (authors.size() > old && authors.size() > 1) {
    code.pairs =
        Comparison(joined, AlikePassages(texts, old)).Pairs(code.most_common);
  }
  return code;
}

}  // namespace kvlab::grading
