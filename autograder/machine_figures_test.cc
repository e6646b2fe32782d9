#include "autograder/machine_figures.h"

#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

ShareOfLimit Steady(double share, std::size_t tokens) {
  return {.rounds = {share, share, share}, .tokens = tokens};
}

MachineFigures Made() {
  MachineFigures figures;
  figures.processor = "Made-up 9000";
  figures.cores = 2;
  figures.cache_bytes = {48U << 10U, 2U << 20U, 0};
  figures.read_weights_per_s = 88e9;
  figures.read_memory_per_s = 20e9;
  figures.flop_per_s = 112e9;
  figures.shares = {{.threads = 1,
                     .decode_f32 = {Steady(0.97, 50), Steady(0.93, 1000)},
                     .decode_f16 = {Steady(0.80, 50)},
                     .prefill_f32 = {Steady(0.66, 500)}},
                    {.threads = 2,
                     .decode_f32 = {{.rounds = {0.5, 0.9}, .tokens = 50}},
                     .decode_f16 = {Steady(0.86, 50)},
                     .prefill_f32 = {Steady(0.61, 500)}}};
  figures.margins = {{50, 3.2}, {500, 1.3}};
  figures.date = "2027-01-15";
  figures.load = 0.25;
  return figures;
}

TEST(ShareOfLimitTest, IsTheMedianOfRoundsThatAgree) {
  const ShareOfLimit share = {.rounds = {0.9, 0.8, 0.85}, .tokens = 50};
  EXPECT_EQ(share.Median(), 0.85);
}

TEST(ShareOfLimitTest, OneRoundInFiveMayDisagree) {
  const ShareOfLimit share = {.rounds = {0.9, 0.9, 0.2, 0.9, 0.9},
                              .tokens = 50};
  EXPECT_EQ(share.Median(), 0.9);
}

TEST(ShareOfLimitTest, NothingIsSaidWhereRoundsDisagree) {
  EXPECT_EQ((ShareOfLimit{.rounds = {0.5, 0.9}, .tokens = 50}).Median(),
            std::nullopt);
  EXPECT_EQ((ShareOfLimit{.rounds = {0.9}, .tokens = 50}).Median(),
            std::nullopt);
}

TEST(ShareOfLimitTest, ALimitThatWasPassedIsNone) {
  EXPECT_EQ(Steady(1.87, 50).Median(), std::nullopt);
  EXPECT_EQ(Steady(1.02, 50).Median(), 1);  // as exact as it is measured
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(TargetsTest, TheWorstLengthCounts) {
  const std::string text = TargetsText(Made());
  EXPECT_TRUE(Has(text, "93 % (1000 tokens)   wanted 92 %   holds\n")) << text;
  EXPECT_TRUE(Has(text, "80 % (50 tokens)   wanted 85 %   MISSED\n")) << text;
}

TEST(TargetsTest, PrefillHasOneForOneThreadAndOneForTwo) {
  const std::string text = TargetsText(Made());
  EXPECT_TRUE(Has(text, "66 % (500 tokens)   wanted 65 %   holds\n")) << text;
  EXPECT_TRUE(Has(text, "61 % (500 tokens)   wanted 60 %   holds\n")) << text;
}

TEST(TargetsTest, WhatCannotBeMeasuredIsNeitherHeldNorMissed) {
  const std::string text = TargetsText(Made());
  EXPECT_TRUE(Has(text, "not measurable now   wanted 92 %\n")) << text;
}

TEST(TargetsTest, TheTableLeavesAMargin) {
  const std::string text = TargetsText(Made());
  EXPECT_TRUE(Has(text, "3.2 times   wanted 1.5    holds\n")) << text;
  EXPECT_TRUE(Has(text, "1.3 times   wanted 1.5    MISSED\n")) << text;
}

TEST(MachineLineTest, HasACellForEachColumn) {
  EXPECT_EQ(MachineLine(Made()),
            "| Made-up 9000 | 2 | 48 KiB, 2 MiB, ? | 88, 20 | 112 | 93 / ? % | "
            "80 / 86 % | 66 / 61 % | 3.2, 1.3 | 2027-01-15, load 0.2 |\n");
}

TEST(MachineLineTest, GoesToTheEndOfTheTable) {
  const std::string page =
      "# Machines\n\n" + MachinesHead() + "| an earlier one |\n\nText.\n";
  EXPECT_EQ(WithMachine(page, "| new |\n"),
            "# Machines\n\n" + MachinesHead() +
                "| an earlier one |\n| new |\n\nText.\n");
  EXPECT_EQ(WithMachine(MachinesHead(), "| new |\n"),
            MachinesHead() + "| new |\n");
}

TEST(MachineLineTest, APageWithoutTheTableIsRefused) {
  EXPECT_THROW(WithMachine("# Machines\n", "| new |\n"), DataError);
}

}  // namespace
}  // namespace kvlab::grading
