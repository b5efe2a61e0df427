#include "clients/retry.h"

namespace weir {

AfterTry RetryPauses::Wait(const RetryPolicy& policy, int tried, Duration spent) {
  std::unique_lock lock(mutex_);
  const double random = std::uniform_real_distribution<double>()(random_);
  const auto wait = NextWait(policy, tried, spent, random);
  if (!wait) return AfterTry::kGiveUp;
  const bool cancelled = wake_.wait_for(lock, wait->ToChrono(), [this] { return cancelled_; });
  return cancelled ? AfterTry::kCancelled : AfterTry::kAgain;
}

void RetryPauses::Cancel() {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
  }
  wake_.notify_all();
}

}  // namespace weir
