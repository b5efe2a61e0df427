#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/status.h"
#include "base/time.h"
#include "connectors/kafka/connection_options.h"
#include "connectors/kafka/login.h"
#include "connectors/link.h"

typedef struct rd_kafka_s rd_kafka_t;

namespace weir::kafka {

/// How many of a topic's partitions have no leader, and how many fewer copies in step than they
/// should.
struct TopicHealth {
  int32_t leaderless = 0;
  int32_t under_replicated = 0;
};

/// A cluster as one node of a job reaches it: the options, and what all its handles share. Thread
/// safe.
class Connection {
 public:
  explicit Connection(ConnectionOptions options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const ConnectionOptions& options() const { return options_; }
  /// The addresses, as they are named in messages.
  const std::string& address() const { return options_.bootstrap_servers; }

  /// What a handle that is made now logs in with: files and secrets as they are, checked.
  struct Opened {
    Login login;
    uint64_t version = 0;
  };
  Result<Opened> Open();
  /// Rises when files or secrets were found changed: handles made before are to be made anew. Looks
  /// at most each ten seconds of `now` (monotonic), and not at all where nothing can change.
  uint64_t Version(Duration now);

  /// A broker has let a handle in: from then on a refused login is waited out (a password that is
  /// being changed, brokers that learn of it one after the other), before it is told at once.
  void LoggedIn() { logged_in_ = true; }
  bool logged_in() const { return logged_in_; }

  /// Who weir is to AWS, and how far its clock is ahead of ours, where logins are by IAM.
  struct Caller {
    std::string arn;
    std::optional<Duration> clock_ahead;
  };
  Result<Caller> AskCaller();

  /// Keeps a handle supplied with tokens, where logins are by IAM; see IamTokens.
  Status Supply(rd_kafka_t* handle);
  void StopSupplying(rd_kafka_t* handle);
  void RenewToken(rd_kafka_t* handle);
  /// A login was refused: a secret in Secrets Manager is asked for again, and not only after a
  /// while.
  void Doubt();

  // What the handles have to tell.
  void SocketOpened() { sockets_++; }
  void Throttled(Duration by) { throttled_us_ += by.us; }
  /// Counts for half a minute: who saw it may have no reason to look again.
  void SawTopic(const std::string& topic, TopicHealth health);
  /// All of it, so far.
  LinkStatus Link() const;

 private:
  struct Aws;
  Aws& AwsFor(const Login& login);
  Result<std::string> FetchSecret(const Login& login, const std::string& id);

  const ConnectionOptions options_;
  std::atomic<bool> logged_in_{false};
  std::atomic<uint64_t> sockets_{0};
  std::atomic<int64_t> throttled_us_{0};
  std::atomic<int64_t> token_end_ms_{0};  ///< Of the newest token; 0: none yet.
  mutable std::mutex health_mutex_;
  std::map<std::string, std::pair<TopicHealth, Duration>> health_;  ///< By topic: what, and when.
  std::mutex mutex_;
  Login login_;
  uint64_t version_ = 0;
  Duration looked_;  ///< When Version last looked.
  std::mutex aws_mutex_;
  std::unique_ptr<Aws> aws_;  ///< Made when first needed.
};
using ConnectionPtr = std::shared_ptr<Connection>;

}  // namespace weir::kafka
