#pragma once

#include <algorithm>
#include <cstdint>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "batch/batch.h"

namespace weir {

/// How far event time has come on a channel. A channel that is idle holds nothing back: it is left
/// out of the minimum; where all are idle the greatest of their times counts (protocol rule 26).
struct Watermark {
  EventTime time = EventTime::Min();
  bool idle = false;
  friend bool operator==(const Watermark&, const Watermark&) = default;
};

/// The watermark of channels taken together.
inline Watermark Merge(const std::vector<Watermark>& channels) {
  EventTime least = EventTime::Max();
  EventTime greatest = EventTime::Min();
  bool active = false;
  for (const Watermark& channel : channels) {
    greatest = std::max(greatest, channel.time);
    if (channel.idle) continue;
    active = true;
    least = std::min(least, channel.time);
  }
  return active ? Watermark{least, false} : Watermark{greatest, true};
}

/// Names one try of one checkpoint; tries of a number rise (protocol rule 3).
struct BarrierId {
  Epoch epoch;
  uint64_t attempt_try = 0;
  auto operator<=>(const BarrierId&) const = default;
};

/// Separates the rows that a checkpoint counts from those it does not.
struct Barrier {
  BarrierId id;
  bool last = false;  ///< Nothing follows: the input has ended, or the job stops.
  friend bool operator==(const Barrier&, const Barrier&) = default;
};

/// The rows of a batch with how many rows they stand for (partial aggregates stand for more).
struct Rows {
  BatchPtr batch;
};

/// What travels on a channel between two tasks, in order.
using Element = std::variant<Rows, Watermark, Barrier>;

}  // namespace weir
