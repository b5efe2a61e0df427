#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/status.h"
#include "base/time.h"
#include "clients/aws_credentials.h"
#include "clients/msk_iam.h"

typedef struct rd_kafka_s rd_kafka_t;

namespace weir::kafka {

/// Keeps the handles of a connection logged in to Amazon MSK by IAM: each gets a token when it is
/// made, and a fresh one half way through the last one's life, from a thread of its own, since the
/// library asks for tokens only where a handle is busy. A token never outlives the keys it was
/// signed with. Thread safe.
class IamTokens {
 public:
  /// `region` empty: that of the brokers' names, of the environment, or of the machine. `end_ms` is
  /// set to when the newest token ends, in milliseconds since 1970. Borrowed: `keys` and `end_ms`.
  IamTokens(AwsCredentialProvider& keys, std::string bootstrap_servers, std::string region,
            std::string profile, std::atomic<int64_t>& end_ms);
  ~IamTokens();
  IamTokens(const IamTokens&) = delete;
  IamTokens& operator=(const IamTokens&) = delete;

  /// Gives the handle its first token and keeps it supplied. Errors: those of the keys;
  /// kConnectionOption where nobody says which region; the library's where it refuses the token.
  Status Add(rd_kafka_t* handle);
  /// Before the handle is destroyed.
  void Remove(rd_kafka_t* handle);
  /// A fresh token, since the library asks for one; where there is none the handle is told why.
  void Renew(rd_kafka_t* handle);

 private:
  Result<MskToken> Sign();
  Status Give(rd_kafka_t* handle, const MskToken& token) const;
  void Run();
  /// Supplies all handles; how long until the next time.
  std::chrono::milliseconds Supply();

  AwsCredentialProvider& keys_;
  const std::string bootstrap_servers_;
  const std::string profile_;
  std::atomic<int64_t>& end_ms_;
  std::mutex mutex_;  ///< Of the handles: one that is being given a token is not destroyed.
  std::set<rd_kafka_t*> handles_;
  std::mutex region_mutex_;
  std::string region_;
  std::mutex wait_mutex_;
  std::condition_variable ends_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace weir::kafka
