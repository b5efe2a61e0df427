#pragma once

#include <algorithm>
#include <optional>

#include "base/time.h"

namespace weir {

/// When the rows of a replay are due: the first one at once, each other as long after it as its
/// time says, divided by the speed-up. Kept in checkpoints, so a replay that was down catches up.
struct ReplayPace {
  bool begun = false;
  EventTime wall;  ///< What the clock showed at the first row.
  EventTime base;  ///< The first row's time.
  EventTime last;  ///< The greatest time so far: no later row may be before it.

  void Begin(EventTime now, EventTime first) {
    if (begun) return;
    begun = true;
    wall = now;
    base = first;
    last = first;
  }
  EventTime Due(EventTime time, double speedup) const {
    const double us = static_cast<double>(time.us - base.us) / speedup;
    return wall + Duration{static_cast<int64_t>(std::clamp(us, -4e18, 4e18))};
  }
};

}  // namespace weir
