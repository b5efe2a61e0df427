#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/connector.h"
#include "connectors/kafka/admin.h"
#include "connectors/kafka/options.h"
#include "connectors/kafka/position.h"
#include "connectors/kafka/progress.h"
#include "connectors/kafka/row_builder.h"

typedef struct rd_kafka_queue_s rd_kafka_queue_t;
typedef struct rd_kafka_message_s rd_kafka_message_t;

namespace weir::kafka {

/// Told by the library's threads when a partition's queue is no longer empty.
class Wakeup;

/// How much of a reader's memory budget the library may fill ahead, for so many partitions.
struct FetchLimits {
  size_t capacity = 0;          ///< Partitions that the limits are made for.
  int64_t queued_kbytes = 0;    ///< Of one partition.
  int64_t queued_messages = 0;  ///< Of one partition: small records cost more than their bytes.
  int64_t partition_bytes = 0;  ///< Asked for at once, of one partition.
  int64_t fetch_bytes = 0;      ///< Of one answer of a broker.
};
FetchLimits LimitsFor(size_t memory_budget, size_t partitions);

/// Reads partitions with one consumer, each from a queue of its own, so that not polling one is all
/// that backpressure needs; the library stops fetching what is full.
///
/// Beside the records, leaders are asked for their ends and topics for their ids every so often, in
/// the background: that is how a partition is known to be caught up or held (rule 26), and how a
/// topic that was made anew is noticed.
class Reader final : public SourceReader {
 public:
  Reader(ConnectorContext context, ConnectionPtr connection, SourceOptions options,
         std::unique_ptr<RowBuilder> rows);
  ~Reader() override;

  Status Add(const Split& split) override;
  Result<Polled> Poll(const PollRequest& request) override;
  std::map<std::string, std::string> Positions() const override;
  std::map<std::string, SplitLag> Lag() const override;

 private:
  struct Partition;
  struct Watch;

  Status Connect();
  /// Lets go of the client and what belongs to it; a new one reads on from the positions.
  Status Reconnect();
  Status Assign(const std::vector<Partition*>& partitions);
  void Unassign(Partition& partition);
  /// Rows of one partition that are there, if any.
  Result<bool> Consume(Partition& partition, size_t max_rows, Polled& polled);
  /// The next messages of a partition, in messages_: those that wait, else what its queue has.
  /// Those that must still wait are kept back. How many there are.
  Result<size_t> Take(Partition& partition, size_t max_rows);
  Status OnFault(Partition& partition, int error, const std::string& reason);
  Status OnLost(Partition& partition, const std::string& reason);
  void Recovered(Partition& partition);
  Status Look();
  Status OnTopics(const TopicsAnswer& topics);
  void OnEnds(const Result<OffsetsAnswer>& answer);
  void OnStable(const OffsetsAnswer& answer);
  void AskEnds();
  /// Notes what Poll is to tell of a partition; `again` also where nothing changed.
  void Judge(Partition& partition, bool again);
  bool News(const std::vector<std::string>* paused, Polled& polled);

  const ConnectorContext context_;
  const ConnectionPtr connection_;
  const SourceOptions options_;
  const std::unique_ptr<RowBuilder> rows_;
  const std::unique_ptr<Wakeup> wakeup_;
  std::unique_ptr<Client> client_;
  std::vector<std::unique_ptr<Partition>> partitions_;
  std::unique_ptr<Watch> watch_;
  FetchLimits limits_;
  size_t turn_ = 0;
  int since_news_ = 0;  ///< Polls since news of quiet partitions were looked for.
  std::vector<rd_kafka_message_t*> messages_;
};

}  // namespace weir::kafka
