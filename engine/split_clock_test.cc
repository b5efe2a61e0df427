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

/// Polls once a second, from the second after `from` up to `to`.
void Poll(SourceClock& clock, int64_t from, int64_t to) {
  for (int64_t second = from + 1; second <= to; second++) clock.Polling(Clock(second));
}

TEST_CASE("the watermark is the greatest time less the delay, and one microsecond") {
  SourceClock clock(Policy());
  clock.AddSplit("a", std::nullopt);
  CHECK(clock.Current() == Watermark{EventTime::Min(), false});
  clock.Observe("a", At(10), SplitActivity::kReading);
  CHECK(clock.Current().time == At(9) - Duration::Micros(1));
  clock.Observe("a", At(5), SplitActivity::kReading);
  CHECK(clock.Current().time == At(9) - Duration::Micros(1));
}

TEST_CASE("the slowest split holds the watermark, and is named") {
  SourceClock clock(Policy());
  clock.AddSplit("a", std::nullopt);
  clock.AddSplit("b", std::nullopt);
  clock.Observe("a", At(10), SplitActivity::kReading);
  CHECK(clock.Current().time == EventTime::Min());
  CHECK(clock.Holder() == "b");
  clock.Observe("b", At(20), SplitActivity::kReading);
  CHECK(clock.Current().time == At(9) - Duration::Micros(1));
  CHECK(clock.Holder() == "a");
}

TEST_CASE("a split is idle only when a fetch says that it is at its end, after quiet time") {
  SourceClock clock(Policy(Clock(5)));
  clock.AddSplit("a", std::nullopt);
  clock.AddSplit("b", std::nullopt);
  clock.Polling(Clock(0));
  clock.Observe("a", At(10), SplitActivity::kReading);
  clock.Observe("b", At(3), SplitActivity::kReading);
  const auto state = [&clock] { return clock.splits().at("b").state(); };
  // Polls that give no row of "b", after which it says what it is about.
  const auto quiet = [&clock](int64_t from, int64_t to, SplitActivity said) {
    Poll(clock, from, to);
    clock.Observe("b", std::nullopt, said);
  };
  SECTION("quiet, but nobody said that it is at its end") {
    Poll(clock, 0, 9);
    clock.Observe("a", At(30), SplitActivity::kReading);
    CHECK(clock.Current().time == At(2) - Duration::Micros(1));
  }
  SECTION("caught up, but not for long enough") {
    quiet(0, 4, SplitActivity::kCaughtUp);
    clock.Observe("a", At(30), SplitActivity::kReading);
    CHECK(clock.Current().time == At(2) - Duration::Micros(1));
  }
  SECTION("time alone makes nothing idle: it must be at its end when that time is over") {
    quiet(0, 4, SplitActivity::kCaughtUp);
    Poll(clock, 4, 9);
    CHECK(state() == SplitClock::State::kActive);
    clock.Observe("b", std::nullopt, SplitActivity::kCaughtUp);
    CHECK(state() == SplitClock::State::kIdle);
  }
  SECTION("caught up for idle_after") {
    quiet(0, 5, SplitActivity::kCaughtUp);
    clock.Observe("a", At(30), SplitActivity::kReading);
    CHECK(clock.Current() == Watermark{At(29) - Duration::Micros(1), false});
  }
  SECTION("time in which nobody polls is not quiet time") {
    quiet(0, 3, SplitActivity::kCaughtUp);
    clock.Polling(Clock(60));  // The receiver was full.
    clock.Observe("b", std::nullopt, SplitActivity::kCaughtUp);
    CHECK(state() == SplitClock::State::kActive);
    quiet(60, 61, SplitActivity::kCaughtUp);
    CHECK(state() == SplitClock::State::kIdle);
  }
  SECTION("unreachable: held, whatever it said before") {
    quiet(0, 5, SplitActivity::kCaughtUp);
    quiet(5, 6, SplitActivity::kHeld);
    Poll(clock, 6, 60);
    clock.Observe("a", At(30), SplitActivity::kReading);
    CHECK(clock.Current().time < At(3));
    CHECK(clock.Holder() == "b");
  }
  SECTION("reachable again: quiet time counts anew") {
    quiet(0, 6, SplitActivity::kHeld);
    quiet(6, 60, SplitActivity::kCaughtUp);
    Poll(clock, 60, 61);
    clock.Observe("a", At(30), SplitActivity::kReading);
    CHECK(clock.Current().time < At(3));
    quiet(61, 66, SplitActivity::kCaughtUp);
    clock.Observe("a", At(31), SplitActivity::kReading);
    CHECK(clock.Current().time == At(30) - Duration::Micros(1));
  }
  SECTION("rows wake it, and the watermark does not fall") {
    quiet(0, 5, SplitActivity::kCaughtUp);
    clock.Observe("a", At(30), SplitActivity::kReading);
    CHECK(clock.Current().time == At(29) - Duration::Micros(1));
    Poll(clock, 5, 6);
    clock.Observe("b", At(4), SplitActivity::kReading);
    CHECK(clock.Current() == Watermark{At(29) - Duration::Micros(1), false});
    CHECK(state() == SplitClock::State::kActive);
  }
  SECTION("records that are there and not read yet wake it") {
    quiet(0, 5, SplitActivity::kCaughtUp);
    CHECK(state() == SplitClock::State::kIdle);
    clock.Observe("b", std::nullopt, SplitActivity::kReading);
    CHECK(state() == SplitClock::State::kActive);
  }
}

TEST_CASE("where all are idle, the greatest time seen counts, and no more") {
  SourceClock clock(Policy(Clock(5)));
  clock.AddSplit("a", std::nullopt);
  clock.AddSplit("b", std::nullopt);
  clock.Polling(Clock(0));
  clock.Observe("a", At(10), SplitActivity::kReading);
  clock.Observe("b", At(3), SplitActivity::kReading);
  Poll(clock, 0, 5);
  clock.Observe("a", std::nullopt, SplitActivity::kCaughtUp);
  clock.Observe("b", std::nullopt, SplitActivity::kCaughtUp);
  CHECK(clock.Current() == Watermark{At(10), true});
  Poll(clock, 5, 9);
  CHECK(clock.Current() == Watermark{At(10), true});
}

TEST_CASE("finished splits hold nothing back, and all finished is the end") {
  SourceClock clock(Policy());
  clock.AddSplit("a", std::nullopt);
  clock.AddSplit("b", std::nullopt);
  clock.Observe("a", At(10), SplitActivity::kFinished);
  clock.Observe("b", At(20), SplitActivity::kReading);
  CHECK(clock.Current().time == At(19) - Duration::Micros(1));
  CHECK_FALSE(clock.finished());
  clock.Observe("b", std::nullopt, SplitActivity::kFinished);
  CHECK(clock.Current().time == EventTime::Max());
  CHECK(clock.finished());
}

TEST_CASE("the watermark stays below the look for new splits") {
  SourceClock clock(Policy());
  clock.AddSplit("a", std::nullopt);
  clock.SetCap({EventTime::Min(), false});
  clock.Observe("a", At(10), SplitActivity::kReading);
  CHECK(clock.Current().time == EventTime::Min());
  const Watermark began = clock.Uncapped();
  CHECK(began == Watermark{At(9) - Duration::Micros(1), false});
  clock.Observe("a", At(20), SplitActivity::kReading);
  clock.SetCap(began);
  CHECK(clock.Current() == began);
}

TEST_CASE("a task holds the source back until it has told of the new split it was given") {
  const bool can_idle = GENERATE(false, true);
  const EventTimePolicy policy = can_idle ? Policy(Clock(5)) : Policy();
  SourceClock busy(policy);
  SourceClock spare(policy);
  for (SourceClock* clock : {&busy, &spare}) clock->SetCap({EventTime::Min(), false});
  CHECK(spare.Current() == Watermark{EventTime::Min(), false});
  busy.AddSplit("a", std::nullopt);
  busy.Observe("a", At(10), SplitActivity::kReading);
  const Watermark first = Merge({busy.Uncapped(), spare.Uncapped()});
  CHECK(first == Watermark{At(9) - Duration::Micros(1), false});
  for (SourceClock* clock : {&busy, &spare}) clock->SetCap(first);
  CHECK(Merge({busy.Current(), spare.Current()}) == first);

  // The next look finds a split, whose rows are from after the look before. The task that has
  // nothing to do with it is told first.
  busy.Observe("a", At(20), SplitActivity::kReading);
  const Watermark second = Merge({busy.Uncapped(), spare.Uncapped()});
  busy.SetCap(second);
  CHECK(busy.Current() == Watermark{At(19) - Duration::Micros(1), false});
  CHECK(Merge({busy.Current(), spare.Current()}) == first);
  spare.AddSplit("b", std::nullopt);
  spare.SetCap(second);
  CHECK(Merge({busy.Current(), spare.Current()}) == first);
  spare.Observe("b", At(12), SplitActivity::kReading);
  CHECK(Merge({busy.Current(), spare.Current()}).time == At(11) - Duration::Micros(1));
}

TEST_CASE("a source that can have new splits is idle when all of its splits are, or not at all") {
  SourceClock clock(Policy(Clock(5)));
  SourceClock spare(Policy(Clock(5)));
  clock.AddSplit("a", At(10));
  Poll(clock, -1, 5);
  clock.Observe("a", std::nullopt, SplitActivity::kCaughtUp);
  const Watermark cap = Merge({clock.Uncapped(), spare.Uncapped()});
  CHECK(cap == Watermark{At(10), true});
  for (SourceClock* each : {&clock, &spare}) each->SetCap(cap);
  CHECK(Merge({clock.Current(), spare.Current()}) == cap);

  SourceClock empty(Policy());
  empty.SetCap(empty.Uncapped());
  CHECK(empty.Current() == Watermark{EventTime::Min(), false});
}

TEST_CASE("a restored split begins at the time it had") {
  SourceClock clock(Policy());
  clock.AddSplit("a", At(10));
  CHECK(clock.Current().time == At(9) - Duration::Micros(1));
}

TEST_CASE("splits too far ahead of the slowest wait, but not for one that never had rows") {
  EventTimePolicy policy = Policy();
  policy.max_drift = Clock(60);
  SourceClock clock(policy);
  clock.AddSplit("a", std::nullopt);
  clock.AddSplit("b", std::nullopt);
  clock.AddSplit("empty", std::nullopt);
  clock.Observe("a", At(100), SplitActivity::kReading);
  CHECK(clock.TooFarAhead().empty());
  clock.Observe("b", At(30), SplitActivity::kReading);
  CHECK(clock.TooFarAhead() == std::vector<std::string>{"a"});
  clock.Observe("b", At(40), SplitActivity::kReading);
  CHECK(clock.TooFarAhead().empty());
}

}  // namespace
}  // namespace weir
