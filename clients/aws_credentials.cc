#include "clients/aws_credentials.h"

#include "base/log.h"
#include "clients/errors.h"

namespace weir {
namespace {

constexpr Duration kRenewBefore = Duration::Minutes(5);
/// Between looks while the old keys live.
constexpr Duration kLookAgain = Duration::Seconds(10);

}  // namespace

bool AwsCredentialProvider::Living() const { return keys_ && clock_.Now() < keys_->expires; }

/// What there is after a look.
Result<AwsCredentials> AwsCredentialProvider::Answer() const {
  if (Living()) return *keys_;
  if (!error_.ok()) return error_;
  return Status(errors::kServiceBusy, "the AWS keys that were found have ended already",
                "see this machine's clock, and where the keys come from");
}

Result<AwsCredentials> AwsCredentialProvider::Get() {
  std::unique_lock lock(mutex_);
  if (Living()) {
    const bool fresh = clock_.Now() < keys_->expires - kRenewBefore;
    const bool soon = looked_at_ && clock_.Monotonic().us - looked_at_->us < kLookAgain.us;
    if (fresh || soon || looking_) return *keys_;
  }
  Look(lock);
  return Answer();
}

Result<AwsCredentials> AwsCredentialProvider::GetOther(const AwsCredentials& refused) {
  std::unique_lock lock(mutex_);
  if (Living() && *keys_ != refused) return *keys_;
  Look(lock);
  return Answer();
}

/// Looks, or waits for the look that is under way.
void AwsCredentialProvider::Look(std::unique_lock<std::mutex>& lock) {
  if (looking_) {
    const uint64_t before = looks_;
    looked_.wait(lock, [&] { return looks_ > before; });
    return;
  }
  looking_ = true;
  lock.unlock();
  Result<AwsCredentials> found = find_();
  lock.lock();
  looking_ = false;
  looks_++;
  looked_at_ = clock_.Monotonic();
  error_ = found.ok() ? Status::Ok() : found.status();
  if (found.ok()) {
    keys_ = std::move(found).value();
    failures_.OnSuccess();
  } else if (Living()) {
    const int64_t left_s = (keys_->expires.us - clock_.Now().us) / 1'000'000;
    if (const auto failures = failures_.OnFailure(*looked_at_)) {
      log::Warn("aws keys could not be renewed",
                {{"seconds_left", left_s}, {"failures", *failures}, {"reason", error_.ToString()}});
    }
  }
  looked_.notify_all();
}

}  // namespace weir
