#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "connectors/connector.h"

namespace weir::kafka {

/// How far one partition has been read and whether its end was reached: pure, so that every order
/// of events can be tested.
///
/// Offsets rise but have gaps (control records, compaction, aborted transactions). Behind them all
/// stands `next`: every record below it was given out or will never be. The fetcher tells the end
/// it reached (`End`), the partition's leader tells its ends when asked (`Leader`). A partition is
/// caught up only while its leader answers and `next` is the high watermark: with the last stable
/// offset reached and more behind it, somebody's transaction is open, and what it holds may still
/// be early rows (rule 26).
class Progress {
 public:
  Progress(int64_t next, std::optional<int64_t> stop) : next_(next), stop_(stop) {}

  int64_t next() const { return next_; }
  std::optional<int64_t> stop() const { return stop_; }
  bool finished() const { return stop_ && next_ >= *stop_; }

  /// Whether the record at `offset` is to be given out; if so it counts as read. What was read
  /// before is dropped, so is what lies at or behind the stop.
  bool Accept(int64_t offset) {
    reachable_ = true;
    if (offset < next_) return false;
    if (stop_ && offset >= *stop_) {
      next_ = std::max(next_, *stop_);
      return false;
    }
    next_ = offset + 1;
    return true;
  }

  /// The fetcher found nothing more at `offset`.
  void End(int64_t offset) {
    reachable_ = true;
    next_ = std::max(next_, stop_ ? std::min(offset, *stop_) : offset);
  }

  /// The leader told its high watermark and last stable offset.
  void Leader(int64_t high_watermark, std::optional<int64_t> last_stable) {
    reachable_ = true;
    high_watermark_ = high_watermark;
    if (last_stable) last_stable_ = last_stable;
  }
  void Stable(int64_t last_stable) { last_stable_ = last_stable; }

  /// The leader did not answer, or a fetch failed.
  void Unreachable() {
    reachable_ = false;
    high_watermark_.reset();
  }
  bool reachable() const { return reachable_; }

  /// Judged now, with nothing of the partition waiting to be given out.
  SplitActivity Activity() const {
    if (finished()) return SplitActivity::kFinished;
    if (!reachable_) return SplitActivity::kHeld;
    if (!high_watermark_) return SplitActivity::kReading;
    if (next_ >= *high_watermark_) return SplitActivity::kCaughtUp;
    // At the last stable offset, but not at the end: behind an open transaction.
    if (last_stable_ && next_ >= *last_stable_) return SplitActivity::kHeld;
    return SplitActivity::kReading;
  }

  /// Records up to the last stable offset (or the stop) that were not read yet, where known.
  std::optional<int64_t> Lag() const {
    if (!last_stable_) return std::nullopt;
    const int64_t until = stop_ ? std::min(*stop_, *last_stable_) : *last_stable_;
    return until > next_ ? until - next_ : 0;
  }

 private:
  int64_t next_;
  std::optional<int64_t> stop_;
  bool reachable_ = true;
  std::optional<int64_t> high_watermark_;
  std::optional<int64_t> last_stable_;
};

}  // namespace weir::kafka
