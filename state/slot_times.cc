#include "state/slot_times.h"

#include <algorithm>

#include "base/check.h"

namespace weir {

SlotTimes::SlotTimes(std::vector<Part> parts) : parts_(std::move(parts)) {
  WEIR_CHECK(!parts_.empty(), "times of no slots");
  std::sort(parts_.begin(), parts_.end(),
            [](const Part& a, const Part& b) { return a.slots < b.slots; });
  Join();
}

void SlotTimes::RaiseTo(EventTime time) {
  for (Part& part : parts_) part.time = std::max(part.time, time);
  Join();
}

EventTime SlotTimes::Find(KeySlot slot) const {
  const auto at = std::find_if(parts_.begin(), parts_.end(),
                               [slot](const Part& part) { return part.slots.Contains(slot); });
  return at == parts_.end() ? least_ : at->time;
}

/// Makes one part of neighbours that say the same.
void SlotTimes::Join() {
  size_t last = 0;
  least_ = parts_[0].time;
  for (size_t i = 1; i < parts_.size(); i++) {
    least_ = std::min(least_, parts_[i].time);
    if (parts_[i].time == parts_[last].time) {
      parts_[last].slots.end = parts_[i].slots.end;
    } else {
      parts_[++last] = parts_[i];
    }
  }
  parts_.resize(last + 1, parts_[0]);
}

}  // namespace weir
