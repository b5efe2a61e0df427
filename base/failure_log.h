#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace weir {

/// Says when something that fails again and again is worth a line in the log: the first time, then
/// at most once in each `interval`, and once when it works again. Pure: time comes from the caller.
class FailureLog {
 public:
  explicit FailureLog(Duration interval) : interval_(interval) {}

  /// It failed at `now` (monotonic). How many failures the line stands for: those since the last
  /// line. None: no line now.
  std::optional<int64_t> OnFailure(Duration now) {
    failures_++;
    if (failures_ > 1 && now.us - told_at_.us < interval_.us) return std::nullopt;
    const int64_t untold = failures_ - told_;
    told_ = failures_;
    told_at_ = now;
    return untold;
  }

  /// It works. How often it had failed; none where it did not.
  std::optional<int64_t> OnSuccess() {
    const int64_t failures = failures_;
    failures_ = told_ = 0;
    return failures > 0 ? std::optional(failures) : std::nullopt;
  }

 private:
  const Duration interval_;
  int64_t failures_ = 0;  ///< Since it worked.
  int64_t told_ = 0;      ///< Of these, how many a line stands for.
  Duration told_at_;
};

}  // namespace weir
