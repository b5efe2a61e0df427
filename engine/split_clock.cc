#include "engine/split_clock.h"

#include <algorithm>

namespace weir {

namespace {

/// Longest time between two polls that counts as spent polling.
constexpr Duration kMostBetweenPolls = Duration::Seconds(1);

}  // namespace

void SplitClock::Observe(std::optional<EventTime> greatest, SplitActivity activity,
                         Duration polled) {
  if (greatest) {
    max_seen_ = max_seen_ ? std::max(*max_seen_, *greatest) : *greatest;
    quiet_since_ = polled;
  }
  switch (activity) {
    case SplitActivity::kFinished:
      state_ = State::kFinished;
      return;
    case SplitActivity::kHeld:
      state_ = State::kHeld;
      return;
    case SplitActivity::kCaughtUp:
      // Reachable again: quiet time counts from here, not from before it was lost.
      if (state_ == State::kHeld) quiet_since_ = polled;
      state_ = policy_->idle_after && polled.us - quiet_since_.us >= policy_->idle_after->us
                   ? State::kIdle
                   : State::kActive;
      return;
    case SplitActivity::kReading:
      if (greatest || state_ == State::kIdle) state_ = State::kActive;
      return;
  }
}

EventTime SplitClock::watermark() const {
  if (state_ == State::kFinished) return EventTime::Max();
  if (!max_seen_) return EventTime::Min();
  return *max_seen_ - policy_->watermark_delay - Duration::Micros(1);
}

void SourceClock::AddSplit(const std::string& split, std::optional<EventTime> max_seen) {
  splits_.insert_or_assign(split, SplitClock(policy_, max_seen, polled_));
}

void SourceClock::Polling(Duration now) {
  if (last_poll_) polled_.us += std::min(now.us - last_poll_->us, kMostBetweenPolls.us);
  last_poll_ = now;
}

void SourceClock::Observe(const std::string& split, std::optional<EventTime> greatest,
                          SplitActivity activity) {
  splits_.at(split).Observe(greatest, activity, polled_);
}

Watermark SourceClock::Merged() const {
  EventTime least = EventTime::Max();
  EventTime greatest = EventTime::Min();
  bool any_holds = false;
  bool all_finished = !splits_.empty();
  for (const auto& [id, clock] : splits_) {
    if (clock.max_seen()) greatest = std::max(greatest, *clock.max_seen());
    if (clock.state() != SplitClock::State::kFinished) all_finished = false;
    if (clock.state() == SplitClock::State::kIdle) continue;
    if (clock.state() == SplitClock::State::kFinished) continue;
    any_holds = true;
    least = std::min(least, clock.watermark());
  }
  if (all_finished) return {EventTime::Max(), false};
  return any_holds ? Watermark{least, false} : Watermark{greatest, true};
}

Watermark SourceClock::Current() {
  Watermark now = Merged();
  if (cap_) {
    // A source is idle by its policy only: one that has no splits at all yet is not.
    const bool source_idle = cap_->idle && policy_.idle_after;
    now.time = now.idle && !source_idle ? cap_->time : std::min(now.time, cap_->time);
    now.idle = now.idle && source_idle;
  }
  now.time = std::max(now.time, last_.time);
  last_ = now;
  return now;
}

Watermark SourceClock::Uncapped() const {
  const Watermark now = Merged();
  return {std::max(now.time, last_.time), now.idle};
}

bool SourceClock::finished() const {
  return std::all_of(splits_.begin(), splits_.end(), [](const auto& entry) {
    return entry.second.state() == SplitClock::State::kFinished;
  });
}

std::string SourceClock::Holder() const {
  const std::string* holder = nullptr;
  EventTime least = EventTime::Max();
  for (const auto& [id, clock] : splits_) {
    if (clock.state() == SplitClock::State::kIdle ||
        clock.state() == SplitClock::State::kFinished) {
      continue;
    }
    if (!holder || clock.watermark() < least) {
      holder = &id;
      least = clock.watermark();
    }
  }
  return holder ? *holder : std::string();
}

std::vector<std::string> SourceClock::TooFarAhead() const {
  std::vector<std::string> ahead;
  if (!policy_.max_drift) return ahead;
  // A split that never had rows is left out: nobody knows how long the others would wait for it.
  EventTime slowest = EventTime::Max();
  for (const auto& [id, clock] : splits_) {
    if (!clock.max_seen() || clock.state() == SplitClock::State::kIdle) continue;
    slowest = std::min(slowest, clock.watermark());
  }
  for (const auto& [id, clock] : splits_) {
    if (clock.state() == SplitClock::State::kFinished) continue;
    if (clock.watermark() > slowest + *policy_.max_drift) ahead.push_back(id);
  }
  return ahead;
}

}  // namespace weir
