#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operators/grouped_step.h"

namespace weir {

/// Gathers the results of closed windows and sends them on ordered by (window end, key, window
/// start), so that they leave in one order whatever way their rows came.
///
/// Each result has the time window_end - 1 us and, as its origin, the slot and hash of its key,
/// which are the same at any parallelism.
class ResultRows {
 public:
  explicit ResultRows(const GroupedStep& step);

  /// Adds the result of one group; `start` and `end` are the window's. Groups that no row reached
  /// are left out.
  void Add(std::string_view key, const std::byte* row, int64_t start, int64_t end);
  size_t size() const { return ends_.size(); }
  /// Sends all that was added on, and is empty again. Returns how many rows left.
  Result<int64_t> Emit(Output& out);

 private:
  std::vector<uint32_t> Order() const;
  std::string_view key(size_t i) const {
    return std::string_view(keys_).substr(key_offsets_[i], key_offsets_[i + 1] - key_offsets_[i]);
  }

  const GroupedStep& step_;
  BatchBuilder builder_;
  std::string keys_;
  std::vector<size_t> key_offsets_{0};
  std::vector<int64_t> starts_;
  std::vector<int64_t> ends_;
};

/// Results are gathered up to this many before they are ordered and sent on, which bounds memory.
inline constexpr size_t kMostGatheredResults = size_t{1} << 19;

}  // namespace weir
