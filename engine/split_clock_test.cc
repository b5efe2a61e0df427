#include "engine/split_clock.h"

#include "tests/catch.h"

namespace weir {
namespace {

constexpr Duration kSecond = Duration::Seconds(1);
EventTime At(int64_t seconds) { return {seconds * 1'000'000}; }
Duration Clock(int64_t seconds) { return Duration::Seconds(seconds); }

EventTimePolicy Policy(std::optional<Duration> idle_after = std::nullopt) {
  EventTimePolicy policy;
  policy.watermark_delay = kSecond;
  policy.idle_after = idle_after;
  return policy;
}

TEST_CASE("the watermark is the greatest time less the delay, and one microsecond") {
  SourceClock clock(Policy());
  clock.AddSplit("a", std::nullopt, Clock(0));
  CHECK(clock.Current() == Watermark{EventTime::Min(), false});
  clock.Observe("a", At(10), SplitActivity::kReading, Clock(0));
  CHECK(clock.Current().time == At(9) - Duration::Micros(1));
  clock.Observe("a", At(5), SplitActivity::kReading, Clock(0));
  CHECK(clock.Current().time == At(9) - Duration::Micros(1));
}

TEST_CASE("the slowest split holds the watermark, and is named") {
  SourceClock clock(Policy());
  clock.AddSplit("a", std::nullopt, Clock(0));
  clock.AddSplit("b", std::nullopt, Clock(0));
  clock.Observe("a", At(10), SplitActivity::kReading, Clock(0));
  CHECK(clock.Current().time == EventTime::Min());
  CHECK(clock.Holder() == "b");
  clock.Observe("b", At(20), SplitActivity::kReading, Clock(0));
  CHECK(clock.Current().time == At(9) - Duration::Micros(1));
  CHECK(clock.Holder() == "a");
}

TEST_CASE("a split is idle only when a fetch said lately that it is at its end") {
  SourceClock clock(Policy(Clock(5)));
  clock.AddSplit("a", std::nullopt, Clock(0));
  clock.AddSplit("b", std::nullopt, Clock(0));
  clock.Observe("a", At(10), SplitActivity::kReading, Clock(0));
  clock.Observe("b", At(3), SplitActivity::kReading, Clock(0));
  SECTION("quiet, but nobody said that it is at its end") {
    clock.Observe("a", At(30), SplitActivity::kReading, Clock(9));
    CHECK(clock.Current().time == At(2) - Duration::Micros(1));
  }
  SECTION("caught up, but not for long enough") {
    clock.Observe("b", std::nullopt, SplitActivity::kCaughtUp, Clock(4));
    clock.Observe("a", At(30), SplitActivity::kReading, Clock(4));
    CHECK(clock.Current().time == At(2) - Duration::Micros(1));
  }
  SECTION("caught up for idle_after") {
    clock.Observe("b", std::nullopt, SplitActivity::kCaughtUp, Clock(5));
    clock.Observe("a", At(30), SplitActivity::kReading, Clock(5));
    CHECK(clock.Current() == Watermark{At(29) - Duration::Micros(1), false});
  }
  SECTION("unreachable: held, whatever it said before") {
    clock.Observe("b", std::nullopt, SplitActivity::kCaughtUp, Clock(5));
    clock.Observe("b", std::nullopt, SplitActivity::kHeld, Clock(6));
    clock.Observe("a", At(30), SplitActivity::kReading, Clock(60));
    CHECK(clock.Current().time < At(3));
    CHECK(clock.Holder() == "b");
  }
  SECTION("reachable again: quiet time counts anew") {
    clock.Observe("b", std::nullopt, SplitActivity::kHeld, Clock(6));
    clock.Observe("b", std::nullopt, SplitActivity::kCaughtUp, Clock(60));
    clock.Observe("a", At(30), SplitActivity::kReading, Clock(61));
    CHECK(clock.Current().time < At(3));
    clock.Observe("b", std::nullopt, SplitActivity::kCaughtUp, Clock(66));
    clock.Observe("a", At(31), SplitActivity::kReading, Clock(66));
    CHECK(clock.Current().time == At(30) - Duration::Micros(1));
  }
  SECTION("rows wake it, and the watermark does not fall") {
    clock.Observe("b", std::nullopt, SplitActivity::kCaughtUp, Clock(5));
    clock.Observe("a", At(30), SplitActivity::kReading, Clock(5));
    CHECK(clock.Current().time == At(29) - Duration::Micros(1));
    clock.Observe("b", At(4), SplitActivity::kReading, Clock(6));
    CHECK(clock.Current() == Watermark{At(29) - Duration::Micros(1), false});
    CHECK(clock.splits().at("b").state() == SplitClock::State::kActive);
  }
}

TEST_CASE("where all are idle, the greatest time seen counts, and no more") {
  SourceClock clock(Policy(Clock(5)));
  clock.AddSplit("a", std::nullopt, Clock(0));
  clock.AddSplit("b", std::nullopt, Clock(0));
  clock.Observe("a", At(10), SplitActivity::kReading, Clock(0));
  clock.Observe("b", At(3), SplitActivity::kReading, Clock(0));
  clock.Observe("a", std::nullopt, SplitActivity::kCaughtUp, Clock(5));
  clock.Observe("b", std::nullopt, SplitActivity::kCaughtUp, Clock(5));
  CHECK(clock.Current() == Watermark{At(10), true});
  clock.Tick(Clock(9));
  CHECK(clock.Current() == Watermark{At(10), true});
}

TEST_CASE("finished splits hold nothing back, and all finished is the end") {
  SourceClock clock(Policy());
  clock.AddSplit("a", std::nullopt, Clock(0));
  clock.AddSplit("b", std::nullopt, Clock(0));
  clock.Observe("a", At(10), SplitActivity::kFinished, Clock(0));
  clock.Observe("b", At(20), SplitActivity::kReading, Clock(0));
  CHECK(clock.Current().time == At(19) - Duration::Micros(1));
  CHECK_FALSE(clock.finished());
  clock.Observe("b", std::nullopt, SplitActivity::kFinished, Clock(0));
  CHECK(clock.Current().time == EventTime::Max());
  CHECK(clock.finished());
}

TEST_CASE("the watermark stays below the look for new splits") {
  SourceClock clock(Policy());
  clock.AddSplit("a", std::nullopt, Clock(0));
  clock.SetCap(EventTime::Min());
  clock.Observe("a", At(10), SplitActivity::kReading, Clock(0));
  CHECK(clock.Current().time == EventTime::Min());
  const EventTime began = clock.Uncapped();
  CHECK(began == At(9) - Duration::Micros(1));
  clock.Observe("a", At(20), SplitActivity::kReading, Clock(0));
  clock.SetCap(began);
  CHECK(clock.Current().time == began);
}

TEST_CASE("a restored split begins at the time it had") {
  SourceClock clock(Policy());
  clock.AddSplit("a", At(10), Clock(0));
  CHECK(clock.Current().time == At(9) - Duration::Micros(1));
}

TEST_CASE("splits too far ahead of the slowest wait, but not for one that never had rows") {
  EventTimePolicy policy = Policy();
  policy.max_drift = Clock(60);
  SourceClock clock(policy);
  clock.AddSplit("a", std::nullopt, Clock(0));
  clock.AddSplit("b", std::nullopt, Clock(0));
  clock.AddSplit("empty", std::nullopt, Clock(0));
  clock.Observe("a", At(100), SplitActivity::kReading, Clock(0));
  CHECK(clock.TooFarAhead().empty());
  clock.Observe("b", At(30), SplitActivity::kReading, Clock(0));
  CHECK(clock.TooFarAhead() == std::vector<std::string>{"a"});
  clock.Observe("b", At(40), SplitActivity::kReading, Clock(0));
  CHECK(clock.TooFarAhead().empty());
}

}  // namespace
}  // namespace weir
