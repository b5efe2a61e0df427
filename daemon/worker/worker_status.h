#pragma once

#include <cstdint>

#include "daemon/rpc/exchange.h"

namespace weir {

/// How a worker stands, for those who look; counts are since its process began.
struct WorkerStatus {
  bool connected = false;  ///< It has a session with a manager that counts.
  uint64_t sessions = 0;
  uint64_t refusals = 0;
  uint32_t slots = 0;
  uint64_t led = 0;     ///< Attempts.
  uint64_t hosted = 0;  ///< Attempts of which tasks are here.
  ExchangeCounts sent;
  ExchangeCounts received;
  uint64_t broken = 0;  ///< Channels, of either side.
};

}  // namespace weir
