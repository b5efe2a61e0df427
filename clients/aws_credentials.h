#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "base/failure_log.h"
#include "base/status.h"
#include "base/time.h"
#include "clients/sigv4.h"

namespace weir {

/// Keys of AWS that stay good: found once, kept, and found anew five minutes before they end.
/// Thread safe; one instance serves all who sign with the same keys.
///
/// Whoever asks may be the one that looks for new keys, and waits for them. Others who ask
/// meanwhile get the old ones, or wait too where these have ended: there is never more than one
/// look under way. Where it fails, the old keys stay in use for as long as they live (told in the
/// log, once a minute), and the next look is taken ten seconds later.
class AwsCredentialProvider {
 public:
  using Finder = std::function<Result<AwsCredentials>()>;

  /// `find` may block, and is never called twice at once. `clock` outlives the provider.
  AwsCredentialProvider(Finder find, const Clock& clock) : find_(std::move(find)), clock_(clock) {}

  /// Keys that have not ended. Errors: those of `find`; kServiceBusy where it gives such as have
  /// ended already.
  Result<AwsCredentials> Get();
  /// The same for who was told that `refused` are no good: looks for others, unless that has
  /// happened. What comes may still be `refused`, where no others are to be had.
  Result<AwsCredentials> GetOther(const AwsCredentials& refused);

 private:
  bool Living() const;
  Result<AwsCredentials> Answer() const;
  void Look(std::unique_lock<std::mutex>& lock);

  const Finder find_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable looked_;
  bool looking_ = false;
  uint64_t looks_ = 0;  ///< That are over.
  std::optional<AwsCredentials> keys_;
  Status error_;  ///< Of the newest look.
  std::optional<Duration> looked_at_;
  FailureLog failures_{Duration::Minutes(1)};
};

}  // namespace weir
