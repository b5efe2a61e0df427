#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "base/check.h"
#include "base/time.h"

namespace weir {

/// Event times further from 1970 than this (73,000 years) are not put into windows, so that no
/// bound of a window overflows. Windows and gaps are shorter than a tenth of it.
inline constexpr int64_t kFarthestTime = int64_t{1} << 61;
inline constexpr Duration kLongestWindow = Duration::Days(36525);

/// Where tumbling and hopping windows and their slices lie: pure arithmetic, in microseconds.
///
/// Windows are [k * every + offset, k * every + offset + size) for whole k. Slices are as long as
/// the greatest common divisor of `size` and `every`; each row is in one slice, each window is made
/// of whole slices, and a slice is named by its end.
class WindowMath {
 public:
  /// 0 < every <= size <= kLongestWindow.
  WindowMath(Duration size, Duration every, Duration offset)
      : size_(size.us),
        every_(every.us),
        slice_(std::gcd(size.us, every.us)),
        offset_(offset.us - FloorTo(offset.us, every.us)) {
    WEIR_CHECK(every_ > 0 && size_ >= every_ && size_ <= kLongestWindow.us);
  }

  static bool InRange(EventTime time) {
    return time.us >= -kFarthestTime && time.us <= kFarthestTime;
  }

  int64_t size() const { return size_; }
  int64_t slice() const { return slice_; }
  /// End of the slice that holds `time`, which is in range.
  int64_t SliceEnd(int64_t time) const {
    return FloorTo(time - offset_, slice_) + offset_ + slice_;
  }
  /// End of the last window that the slice ending at `slice_end` is part of.
  int64_t LastWindowEnd(int64_t slice_end) const {
    return FloorTo(slice_end - slice_ - offset_, every_) + offset_ + size_;
  }
  /// The least end of a window that is >= `time`.
  int64_t WindowEndFrom(int64_t time) const {
    return -FloorTo(-(time - size_ - offset_), every_) + size_ + offset_;
  }
  /// The greatest end of a window that `watermark` closes: end - 1 <= watermark.
  int64_t LatestClosedEnd(EventTime watermark) const {
    const int64_t bounded = std::clamp(watermark.us, -2 * kFarthestTime + 1, 2 * kFarthestTime - 1);
    return FloorTo(bounded + 1 - size_ - offset_, every_) + size_ + offset_;
  }
  /// Slices that end at or before this are in no window that ends after `window_end`.
  int64_t SlicesDoneAfter(int64_t window_end) const { return window_end + every_ - size_; }

  /// The greatest multiple of `unit` that is <= `value`.
  static int64_t FloorTo(int64_t value, int64_t unit) {
    const int64_t rest = value % unit;
    return value - rest - (rest < 0 ? unit : 0);
  }

 private:
  int64_t size_;
  int64_t every_;
  int64_t slice_;
  int64_t offset_;
};

}  // namespace weir
