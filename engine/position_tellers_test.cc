#include "engine/position_tellers.h"

#include "connectors/errors.h"
#include "tests/catch.h"

namespace weir {
namespace {

/// Answers when the test says so.
struct Outside {
  std::vector<std::string> told;  ///< First positions, in order.
  std::optional<Status> answer;
};

class FakeTeller final : public PositionTeller {
 public:
  explicit FakeTeller(Outside& outside) : outside_(outside) {}
  Status Tell(const std::vector<Split>& splits) override {
    outside_.told.push_back(splits.at(0).position);
    return Status::Ok();
  }
  std::optional<Status> Poll(Duration) override { return std::exchange(outside_.answer, {}); }

 private:
  Outside& outside_;
};

proto::Manifest At(const std::string& source, const std::string& position) {
  proto::Manifest manifest;
  proto::SourceState& state = *manifest.add_sources();
  state.set_source(source);
  proto::SplitState& split = *state.add_splits();
  split.set_id("clicks/0");
  split.set_position(position);
  return manifest;
}

}  // namespace

TEST_CASE("positions are told one checkpoint after the other, and the newest are never left out") {
  Outside outside;
  PositionTellers tellers(SystemClock());
  tellers.Add("clicks", std::make_unique<FakeTeller>(outside));
  tellers.Tell(At("clicks", "1"));
  tellers.Tell(At("other", "9"));
  tellers.Tell(At("clicks", "2"));
  tellers.Tell(At("clicks", "3"));
  CHECK(outside.told == std::vector<std::string>{"1"});
  outside.answer = Status(errors::kFileRead, "the outside is away");
  tellers.Look();
  CHECK(outside.told == std::vector<std::string>{"1", "3"});
  outside.answer = Status::Ok();
  tellers.Finish(Duration::Seconds(60));
  CHECK(outside.told.size() == 2);
}

TEST_CASE("an outside that never answers is not waited for longer than said") {
  Outside outside;
  PositionTellers tellers(SystemClock());
  tellers.Add("clicks", std::make_unique<FakeTeller>(outside));
  tellers.Tell(At("clicks", "1"));
  tellers.Finish(Duration::Millis(1));
  CHECK(outside.told.size() == 1);
}

}  // namespace weir
