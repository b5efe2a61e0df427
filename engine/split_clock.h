#pragma once

#include <map>
#include <optional>
#include <string>

#include "connectors/connector.h"
#include "engine/element.h"

namespace weir {

/// What a source's `event_time` asks of its clock.
struct EventTimePolicy {
  Duration watermark_delay;
  std::optional<Duration> idle_after;  ///< None: a split is never idle.
  std::optional<Duration> max_drift;   ///< None: no split is made to wait for the others.
};

/// Event time of one split: a small state machine (protocol rules 25 and 26). Pure.
///
///   active -- said to be at its end, quiet for idle_after --> idle
///   idle -- rows, or not at its end any more --> active
///   any state -- unreachable, behind an open transaction --> held
///   held -- rows, or said to be at its end --> active
///   any state -- stop position reached --> finished
class SplitClock {
 public:
  enum class State { kActive, kIdle, kHeld, kFinished };

  /// `max_seen` is what the manifest holds of the split, if anything. `polled` here and below is
  /// the time spent polling so far.
  SplitClock(const EventTimePolicy& policy, std::optional<EventTime> max_seen, Duration polled)
      : policy_(&policy), max_seen_(max_seen), quiet_since_(polled) {}

  /// What a poll brought. `greatest` is the greatest event time of its rows, if there were any.
  void Observe(std::optional<EventTime> greatest, SplitActivity activity, Duration polled);

  State state() const { return state_; }
  std::optional<EventTime> max_seen() const { return max_seen_; }
  /// max - delay - 1 us: no more rows with a time <= this come from the split, except late ones.
  /// Min before its first row, Max once it is finished.
  EventTime watermark() const;

 private:
  const EventTimePolicy* policy_;
  std::optional<EventTime> max_seen_;
  State state_ = State::kActive;
  Duration quiet_since_;
};

/// Event time of all splits of one source task. Pure; one thread.
///
/// A split is quiet only while somebody polls it: rows that came while the task waited for a full
/// receiver, or for room to publish, were not seen. So quiet time is time spent polling, and
/// between two polls that is a second at most.
class SourceClock {
 public:
  explicit SourceClock(EventTimePolicy policy) : policy_(policy) {}

  void AddSplit(const std::string& split, std::optional<EventTime> max_seen);
  /// A poll is made; what it brings is told to Observe.
  void Polling(Duration now);
  void Observe(const std::string& split, std::optional<EventTime> greatest, SplitActivity activity);

  /// New splits can appear, and the task may be given any of them at any time. Its watermark stays
  /// at or below `cap`, the one that the whole source had when the last finished look for new
  /// splits began (rule 27). While the source is not idle the task is not either, but at the cap:
  /// others could pass a new split before the task has told of it. Without a cap no splits can
  /// appear.
  void SetCap(const Watermark& cap) { cap_ = cap; }

  /// Minimum over splits that are active or held; over idle ones only, the greatest time they saw.
  /// Never falls. A task without splits is idle at Min, where there is no cap.
  Watermark Current();
  /// What Current would be without the cap: all tasks' together are what a look begins with.
  Watermark Uncapped() const;
  /// Every split has reached its stop (true where there are none).
  bool finished() const;
  /// The split that holds the watermark back, empty where none does.
  std::string Holder() const;
  /// Splits more than `max_drift` ahead of the slowest; sorted.
  std::vector<std::string> TooFarAhead() const;
  const std::map<std::string, SplitClock>& splits() const { return splits_; }

 private:
  Watermark Merged() const;

  const EventTimePolicy policy_;
  std::map<std::string, SplitClock> splits_;
  std::optional<Duration> last_poll_;
  Duration polled_;  ///< Time spent polling.
  std::optional<Watermark> cap_;
  Watermark last_{EventTime::Min(), false};
};

}  // namespace weir
