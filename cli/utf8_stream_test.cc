#include "cli/utf8_stream.h"

#include <string>

#include "gtest/gtest.h"

namespace kvlab {
namespace {

TEST(Utf8StreamTest, AsciiPassesAtOnce) {
  Utf8Stream stream;
  EXPECT_EQ(stream.Push("To be"), "To be");
  EXPECT_EQ(stream.Flush(), "");
}

// U+20AC is E2 82 AC, U+1F600 is F0 9F 98 80.
TEST(Utf8StreamTest, AnUnfinishedCharacterWaitsForItsRest) {
  Utf8Stream stream;
  EXPECT_EQ(stream.Push("a\xE2"), "a");
  EXPECT_EQ(stream.Push("\x82"), "");
  EXPECT_EQ(stream.Push("\xAC"), "\xE2\x82\xAC");
  EXPECT_EQ(stream.Push("\xF0\x9F\x98"), "");
  EXPECT_EQ(stream.Push("\x80!"), "\xF0\x9F\x98\x80!");
  EXPECT_EQ(stream.Flush(), "");
}

TEST(Utf8StreamTest, BytesThatBeginNoCharacterAreNotHeldBack) {
  Utf8Stream stream;
  EXPECT_EQ(stream.Push("\x80\x80"), "\x80\x80");
  EXPECT_EQ(stream.Push("\xFF"), "\xFF");
}

TEST(Utf8StreamTest, FlushReturnsWhatNeverBecameComplete) {
  Utf8Stream stream;
  EXPECT_EQ(stream.Push("\xE2\x82"), "");
  EXPECT_EQ(stream.Flush(), "\xE2\x82");
}

// Wherever the cuts are, nothing is lost or reordered.
TEST(Utf8StreamTest, EveryCutGivesTheSameText) {
  const std::string text = "na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80 \xFE.";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Utf8Stream stream;
    std::string shown = stream.Push(text.substr(0, cut));
    shown += stream.Push(text.substr(cut));
    shown += stream.Flush();
    EXPECT_EQ(shown, text) << "cut after byte " << cut;
  }
}

}  // namespace
}  // namespace kvlab
