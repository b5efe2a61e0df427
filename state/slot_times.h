#pragma once

#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace weir {

/// An event time for each key slot of a task. Nearly always the same for all of them: only where a
/// task goes on from several that had come to different times do they differ, until the time has
/// passed them all.
class SlotTimes {
 public:
  struct Part {
    SlotRange slots;
    EventTime time;
    friend bool operator==(const Part&, const Part&) = default;
  };

  explicit SlotTimes(SlotRange slots) : parts_{{slots, EventTime::Min()}} {}
  /// Of parts that share no slot, in any order; at least one.
  explicit SlotTimes(std::vector<Part> parts);

  bool even() const { return parts_.size() == 1; }
  EventTime least() const { return least_; }
  EventTime Of(KeySlot slot) const { return even() ? least_ : Find(slot); }
  /// Ascending by slot; neighbours differ.
  const std::vector<Part>& parts() const { return parts_; }

  /// Where a slot's time is less than `time`, it is `time` from now on.
  void RaiseTo(EventTime time);

 private:
  EventTime Find(KeySlot slot) const;
  void Join();

  std::vector<Part> parts_;
  EventTime least_ = EventTime::Min();
};

}  // namespace weir
