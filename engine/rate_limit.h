#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace weir {

/// Holds rows to so many a second. What is not used is saved up for a tenth of a second, so that a
/// task that was held up for a moment makes good for it, and a longer pause is no licence for a
/// flood. Pure: the time is told.
class RateLimit {
 public:
  RateLimit(double per_second, Duration now) : per_second_(per_second), at_(now) {}

  /// Rows that may be taken now; 0: none.
  int64_t Allowed(Duration now) {
    saved_ += per_second_ * static_cast<double>(now.us - at_.us) / 1e6;
    saved_ = std::min(saved_, std::max(per_second_ / 10, 1.0));
    at_ = now;
    return std::max<int64_t>(static_cast<int64_t>(saved_), 0);
  }
  /// More than were allowed are paid back later.
  void Take(int64_t rows) { saved_ -= static_cast<double>(rows); }

 private:
  double per_second_;
  Duration at_;
  double saved_ = 0;
};

}  // namespace weir
