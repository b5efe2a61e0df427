#pragma once

#include <condition_variable>
#include <mutex>
#include <random>

#include "base/time.h"
#include "clients/http.h"

namespace weir {

/// What a caller does once a try has failed in a way that may pass.
enum class AfterTry { kAgain, kGiveUp, kCancelled };

/// The pauses between the tries of calls, which can be ended from outside. Thread safe: calls share
/// it.
class RetryPauses {
 public:
  RetryPauses() : random_(std::random_device{}()) {}

  /// Waits as `policy` says after try `tried` (from 1), `spent` after the first one began; waits
  /// not at all where there is to be no other.
  AfterTry Wait(const RetryPolicy& policy, int tried, Duration spent);
  /// Ends the pauses that are under way, and all later ones.
  void Cancel();

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool cancelled_ = false;
  std::mt19937_64 random_;
};

}  // namespace weir
