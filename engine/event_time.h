#pragma once

#include <optional>
#include <vector>

#include "engine/plan.h"

namespace weir {

/// The rows of a polled batch that have an event time, with it.
struct TimedRows {
  BatchPtr batch;  ///< Null where no row is left.
  std::vector<Rejection> rejected;
  std::optional<EventTime> greatest;
};

/// Gives each row its event time. A null, or a time more than `max_ahead` past `now`, is a row
/// error: one such row would close every window. Pure.
TimedRows TimeRows(const EventTimeBinding& binding, const BatchPtr& batch, EventTime now);

}  // namespace weir
