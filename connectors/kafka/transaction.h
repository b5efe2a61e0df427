#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/kafka/client.h"
#include "connectors/kafka/group_offsets.h"
#include "connectors/kafka/marker.h"
#include "connectors/kafka/options.h"
#include "connectors/kafka/outbox.h"

typedef struct rd_kafka_topic_s rd_kafka_topic_t;

namespace weir::kafka {

/// What an error of a transaction means for its lane.
enum class PublishFault {
  kFenced,     ///< Somebody else has the id: stop.
  kRefused,    ///< A record the broker will never take: stop.
  kTopicGone,  ///< The topic is not there any more: stop.
  kDenied,     ///< A right is missing: stop.
  kBroken,     ///< The cluster or a setting is not fit for transactions: stop.
  kUnknown,    ///< All else: a new producer, fence, read the marker, publish what is short.
};
PublishFault ClassifyFault(int code);

/// One producer of one lane: `Init` once, then for each transaction `Begin`, `Produce` …, `Flush`,
/// `Mark`, `Commit`, in this order. After an error it is good for nothing but to be destroyed.
///
/// The producer's epoch does not rise between transactions, so a late duplicate of a commit could
/// end the next transaction half way (KAFKA-17754). The library sends a commit twice only where the
/// connection that it went out on was lost; so a producer is good for another transaction where no
/// connection was since `Begin` (see `Undisturbed`), and is replaced by a fresh one otherwise.
class Transaction {
 public:
  struct Target {
    ConnectionPtr connection;
    std::string lane;  ///< Transactional id and group.
    std::string topic;
    Compression compression = Compression::kNone;
    int64_t max_message_bytes = 1048588;
    int timeout_ms = 900'000;  ///< The broker ends the transaction then.
  };

  /// Handle and connections only; needs no ordering.
  static Result<std::unique_ptr<Transaction>> Make(const Target& target);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// Gives a handle that was just made a moment to connect. The library (2.8) looks for the
  /// coordinator at once, and where no broker is connected by then, only half a second later.
  void AwaitBroker();
  /// Fences every earlier producer of the lane and aborts what it left open.
  Status Init();
  Status Begin();
  /// Hands over a sealed outbox.
  Status Produce(const SealedPart& sealed);
  /// Hands over one record, for any topic.
  Status Produce(const std::string& topic, const OutboxRecord& record);
  /// Returns when the broker has all records, or an error if it will not take one.
  Status Flush();
  Status Mark(const Marker& marker);
  /// Commits offsets to the lane's group with the transaction.
  Status Mark(const std::vector<GroupOffset>& offsets);
  Status Commit();

  /// Whether no connection was lost since Begin, so that nothing of this transaction can still be
  /// under way once its commit is answered.
  bool Undisturbed() const { return client_->sockets_closed() == closed_at_begin_; }
  /// Whether it was made with files or secrets that have changed since.
  bool Outdated() const;

 private:
  explicit Transaction(Target target) : target_(std::move(target)) {}
  Status Fault(int code, std::string_view reason, std::string_view what) const;
  Status DeliveryFault();
  /// Has a look how the topic's partitions fare, once a second at most, in the background.
  void LookAtTopic();
  Status Give(rd_kafka_topic_t* topic, const OutboxRecord& record);

  const Target target_;
  std::unique_ptr<Client> client_;
  rd_kafka_topic_t* topic_ = nullptr;
  uint64_t closed_at_begin_ = 0;
  std::map<std::string, rd_kafka_topic_t*> others_;  ///< Topics that single records went to.
  int since_served_ = 0;
  std::unique_ptr<Pending<TopicsAnswer>> look_;  ///< Under way. Goes before its client.
  std::optional<Duration> looked_;
};

}  // namespace weir::kafka
