#include "engine/event_time.h"

#include <algorithm>

#include <fmt/format.h>

#include "batch/time_text.h"
#include "engine/errors.h"

namespace weir {

TimedRows TimeRows(const EventTimeBinding& binding, const BatchPtr& batch, EventTime now) {
  TimedRows timed;
  auto times = std::make_shared<std::vector<EventTime>>();
  times->reserve(batch->rows());
  if (binding.column < 0) {
    times->assign(batch->rows(), now);
    timed.greatest = now;
    timed.batch = std::make_shared<const Batch>(batch->schema(), batch->rows(), batch->columns(),
                                                std::move(times), batch->origins());
    return timed;
  }
  const Column& column = batch->column(static_cast<size_t>(binding.column));
  const std::string& name = (*batch->schema())[static_cast<size_t>(binding.column)].name;
  const auto values = column.values<int64_t>();
  const EventTime latest = now + binding.max_ahead;
  std::vector<uint32_t> good;
  EventTime greatest = EventTime::Min();
  for (uint32_t row = 0; row < batch->rows(); row++) {
    std::string reason;
    int64_t us = 0;
    if (column.IsNull(row)) {
      reason = fmt::format("the event time '{}' is null", name);
    } else if (__builtin_mul_overflow(values[row], binding.unit_us, &us)) {
      reason = fmt::format("the event time '{}' = {} is out of range", name, values[row]);
    } else if (EventTime{us} > latest) {
      reason = fmt::format("the event time '{}' = {} is more than max_ahead past the wall clock",
                           name, FormatIso8601(EventTime{us}));
    }
    if (!reason.empty()) {
      timed.rejected.push_back({row, &errors::kRowEventTime, std::move(reason)});
      continue;
    }
    greatest = std::max(greatest, EventTime{us});
    times->push_back({us});
    good.push_back(row);
  }
  if (good.empty()) return timed;
  timed.greatest = greatest;
  const BatchPtr rows = timed.rejected.empty() ? batch : batch->Take(good);
  timed.batch = std::make_shared<const Batch>(rows->schema(), rows->rows(), rows->columns(),
                                              std::move(times), rows->origins());
  return timed;
}

}  // namespace weir
