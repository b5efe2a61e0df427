#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "connectors/kafka/connection.h"

typedef struct rd_kafka_s rd_kafka_t;

namespace weir::kafka {

/// Refuses a client library that cannot do what exactly once needs; the message tells the version.
/// `version` as the library counts: 0x020800ff is 2.8.0.
Status CheckClientVersion(int version, std::string_view version_text);

/// An error of the client library as a Status: what kind it is decides whether it is tried again.
/// `what` says what was asked, `address` is named where brokers are away.
Status ToStatus(int code, std::string_view reason, std::string_view what,
                const std::string& address);

/// A connection of the client library: one consumer or producer with its threads and sockets.
///
/// Use from one thread, but for the events, which the library's threads write.
class Client {
 public:
  enum class Kind { kConsumer, kProducer };
  using Settings = std::vector<std::pair<std::string, std::string>>;

  /// `settings` are weir's own and win over the connection's properties. Returns at once; brokers
  /// are looked for in the background.
  static Result<std::unique_ptr<Client>> Make(Kind kind, ConnectionPtr connection,
                                              const Settings& settings);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_t* get() const { return handle_; }
  Connection& connection() const { return *connection_; }
  const std::string& address() const { return connection_->address(); }
  /// Whether files or secrets of the connection have changed since it was made, as seen at `now`
  /// (monotonic): then a new client is to take its place.
  bool Outdated(Duration now) const { return connection_->Version(now) != version_; }

  /// Serves the library's callbacks that are due (delivery reports, errors) and waits at most so
  /// long for the first one.
  void Serve(int timeout_ms);

  /// How the records given to a producer fared, so far.
  struct Deliveries {
    int64_t delivered = 0;
    int64_t failed = 0;
    int first_error = 0;
    std::string first_place;  ///< Topic/partition of the first failure.
  };
  const Deliveries& deliveries() const { return deliveries_; }

  /// Whether all brokers were away when last told; the library's word for why.
  bool brokers_away() const { return brokers_away_.load(std::memory_order_relaxed); }
  std::string last_error() const;
  /// A request was answered: brokers are there (again).
  void Answered();
  /// Why brokers do not let it in, as last told; Ok where they do, or none was reached. Before a
  /// first login worked over this connection it is an error to fail with, later one to wait out.
  Status Trouble();
  /// What an error of the library becomes (see ToStatus), or the trouble where that explains it.
  Status Failure(int code, std::string_view reason, std::string_view what);
  /// Sockets that were closed since it was made: a request may have been sent twice then.
  uint64_t sockets_closed() const { return sockets_closed_.load(std::memory_order_relaxed); }

  // Called back by the library.
  void OnDelivery(int error, const char* topic, int32_t partition);
  void OnError(int error, const char* reason);
  void OnLog(std::string_view line);
  void OnCertificate(int fault) { certificate_.store(fault, std::memory_order_relaxed); }
  void OnTokenWanted(rd_kafka_t* handle) { connection_->RenewToken(handle); }
  void OnSocket() { connection_->SocketOpened(); }
  void OnThrottled(int milliseconds) { connection_->Throttled(Duration::Millis(milliseconds)); }
  void OnSocketClosed() { sockets_closed_.fetch_add(1, std::memory_order_relaxed); }

 private:
  /// Looks at the library's words for why brokers do not let it in.
  void Suspect(int error, std::string_view reason);
  void Believe(const Status& trouble);
  explicit Client(ConnectionPtr connection) : connection_(std::move(connection)) {}

  const ConnectionPtr connection_;
  uint64_t version_ = 0;
  Security security_ = Security::kPlaintext;
  rd_kafka_t* handle_ = nullptr;
  Kind kind_ = Kind::kConsumer;
  Deliveries deliveries_;
  std::atomic<bool> brokers_away_{false};
  std::atomic<uint64_t> sockets_closed_{0};
  std::atomic<int> certificate_{0};  ///< Why a broker's was not taken, by OpenSSL's number.
  mutable std::mutex mutex_;
  std::string last_error_;
  Status trouble_;
  /// A trouble that a broker which goes away shows as well: it is one if it is the broker's last
  /// word for a while.
  struct Suspicion {
    Status status;
    std::string broker;
    Duration since;
  };
  Suspicion suspicion_;
};

}  // namespace weir::kafka
