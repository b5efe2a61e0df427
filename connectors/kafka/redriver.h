#pragma once

#include <map>
#include <string>
#include <vector>

#include "connectors/connector.h"
#include "connectors/kafka/sink_facts.h"
#include "connectors/kafka/transaction.h"

namespace weir::kafka {

/// Sends what a topic of dead letters holds back to where it came from. Each Send is a transaction,
/// and the positions in the letters' topic are committed with it, to the group that its
/// transactional id is named like. So whoever comes later goes on where the last one was through,
/// also where that one was killed.
class TopicRedriver final : public Redriver {
 public:
  /// `lane` is id and group; `letters` the topic of the dead letters.
  TopicRedriver(ConnectionPtr connection, std::string lane, std::string letters)
      : connection_(std::move(connection)), lane_(std::move(lane)), letters_(std::move(letters)) {}

  Status Begin(std::vector<Split>& splits, bool look_only) override;
  Status Send(const std::vector<RejectedRecord>& records,
              const std::map<std::string, std::string>& positions) override;

 private:
  /// A transaction that may hold records of as much as all these topics take.
  Result<std::unique_ptr<Transaction>> Fresh(const std::vector<RejectedRecord>& records);

  /// How far the group says that letters were sent.
  Result<std::map<TopicPartition, int64_t>> Standing(bool settled);

  const ConnectionPtr connection_;
  const std::string lane_;
  const std::string letters_;
  std::vector<TopicPartition> partitions_;      ///< Of the letters.
  std::map<TopicPartition, int64_t> standing_;  ///< As this one found or left it.
  std::map<std::string, SinkFacts> facts_;      ///< By topic.
};

/// `weir-dlq-<job>-<sink>`.
std::string RedriveLane(std::string_view job, std::string_view sink);

}  // namespace weir::kafka
