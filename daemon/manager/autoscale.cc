#include "daemon/manager/autoscale.h"

#include <algorithm>
#include <cmath>

namespace weir::manager {
namespace {

/// Lag that is a second's worth of rows more than at the start is not noise.
bool LagGrows(const LoadWindow& load, double rows_per_second) {
  if (load.lag_at_start < 0 || load.lag_at_end < 0) return false;
  const double grown = static_cast<double>(load.lag_at_end - load.lag_at_start);
  return grown > std::max(1000.0, rows_per_second);
}

/// Rounded up, but not for the last bit of a division.
uint32_t Ceil(double tasks) {
  return static_cast<uint32_t>(std::ceil(std::clamp(tasks, 0.0, 1e6) - 1e-9));
}

}  // namespace

void LoadWindow::Add(double busy, double rows_per_second, int64_t lag_records, Duration now) {
  if (samples == 0) {
    began = now;
    lag_at_start = lag_records;
  }
  ended = now;
  samples++;
  busy_sum += std::clamp(busy, 0.0, 1.0);
  rows_per_second_sum += std::max(rows_per_second, 0.0);
  lag_at_end = lag_records;
}

uint32_t WantedParallelism(const AutoscaleBounds& bounds, const LoadWindow& load, uint32_t current,
                           uint32_t room) {
  if (load.samples == 0 || current == 0) return current;
  const double busy = load.busy_sum / load.samples;
  const double rows = load.rows_per_second_sum / load.samples;
  const double target = std::clamp(bounds.target_busy, 0.05, 1.0);
  const bool lag_grows = LagGrows(load, rows);
  const uint32_t for_rows = bounds.rows_per_task && *bounds.rows_per_task > 0
                                ? std::max(1u, Ceil(rows / *bounds.rows_per_task))
                                : 0;

  uint32_t wanted = current;
  // A share above 1 can't be measured: a target close to 1 is passed by growing lag only.
  if (busy > target * 1.1) wanted = std::max(wanted, Ceil(current * busy / target));
  if (lag_grows) wanted = std::max(wanted, current + 1);
  wanted = std::max(wanted, for_rows);
  if (wanted > current) wanted = std::min(wanted, current * 2);
  if (wanted == current && current > 1 && !lag_grows) {
    const uint32_t enough = std::max({1u, Ceil(current * busy / (target * 0.8)), for_rows});
    wanted = std::min(current, enough);
  }
  // What the job has is its own, also where there is no room for it any more.
  const uint32_t most = std::min(bounds.max, std::max(room, current));
  return std::min(std::max(wanted, bounds.min), most);
}

}  // namespace weir::manager
