#include "autograder/proof/graderlab/wider_baseline.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

// Takes down what it is asked, and refuses one operation.
class Recorder final : public Endpoint {
 public:
  Recorder(std::vector<std::string>& asked, std::string refused)
      : asked_(asked), refused_(std::move(refused)) {}
  Reply Call(const Request& request, const CallLimits& /*limits*/) override {
    asked_.push_back(request.operation);
    Reply reply;
    if (request.operation == refused_) reply.status = Status::kException;
    return reply;
  }
  std::optional<std::uint64_t> ResidentBytes() override { return {}; }
  void Restart() override { asked_.emplace_back("restart"); }

 private:
  std::vector<std::string>& asked_;
  std::string refused_;
};

TEST(WiderBaselineTest, OnlyRecomputingIsAskedToUseWiderVectors) {
  std::vector<std::string> asked;
  const std::unique_ptr<Endpoint> wider =
      RecomputingInAvx512(std::make_unique<Recorder>(asked, ""));
  wider->Call({"generate.cached", {}}, {});
  wider->Restart();
  wider->Call({"generate.baseline", {}}, {});
  EXPECT_EQ(asked,
            (std::vector<std::string>{"generate.cached", "restart",
                                      "kernels.use", "generate.baseline"}));
}

TEST(WiderBaselineTest, AMachineWithoutThemIsNotTimed) {
  std::vector<std::string> asked;
  const std::unique_ptr<Endpoint> wider =
      RecomputingInAvx512(std::make_unique<Recorder>(asked, "kernels.use"));
  EXPECT_NE(wider->Call({"generate.baseline", {}}, {}).status, Status::kOk);
  EXPECT_EQ(asked, std::vector<std::string>{"kernels.use"});
}

}  // namespace
}  // namespace kvlab::grading
