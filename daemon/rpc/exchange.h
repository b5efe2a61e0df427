#pragma once

#include <algorithm>
#include <compare>
#include <string>

#include "base/status.h"
#include "engine/attempt_id.h"

namespace weir {

/// Names a channel between two workers: of which job's attempt, and `<exchange> <from>-<to>`.
struct ChannelId {
  std::string job;
  AttemptId attempt;
  std::string channel;
  auto operator<=>(const ChannelId&) const = default;
};

/// What one side of a worker's exchange has carried since its process began.
struct ExchangeCounts {
  uint64_t channels = 0;  ///< Open now.
  uint64_t elements = 0;
  uint64_t bytes = 0;
};

inline constexpr uint32_t kExchangeVersion = 1;

/// What must be left of a channel's credit before its sender takes another element. An element that
/// is longer than half the credit goes when half of it is left, so that none is too long to travel.
/// A receiver, which gives credit back a quarter at a time, cannot keep a sender waiting by that.
inline int64_t CreditNeeded(int64_t weight, int64_t credit_bytes) {
  return std::min(weight, credit_bytes / 2);
}

}  // namespace weir
