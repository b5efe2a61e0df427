#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/connector.h"
#include "connectors/kafka/outbox.h"

namespace weir::kafka {

/// What the output topic takes, as its broker says.
struct TopicLimits {
  int64_t record_bytes = 1048588;  ///< Its max.message.bytes; Kafka's own default where unknown.
  int32_t partitions = 1;
};

/// Indices of the columns that the planner computed for the sink's expressions; -1: not given.
struct SinkColumns {
  int key = -1;
  int partition = -1;
  int headers = -1;
  int timestamp = -1;
  int tombstone = -1;
};

/// Whether columns of these types can be what they are for; told before anything runs where the
/// types are known, and at the first row otherwise.
Status CheckSinkColumns(const Schema& schema, const SinkColumns& columns);

/// Why a topic that takes records of `record_bytes` at most will not take `record`; none where it
/// will.
std::optional<std::string> TooLarge(const OutboxRecord& record, const std::string& topic,
                                    int64_t record_bytes);

/// Encodes rows into the outbox of the open epoch. Everything that could differ when the epoch is
/// published a second time (the time, the bytes) is settled here.
class Writer final : public SinkWriter {
 public:
  Writer(const ConnectorContext& context, std::unique_ptr<Encoder> encoder, SinkColumns columns,
         std::string topic, TopicLimits limits);

  Status Write(const Batch& batch, std::vector<Rejection>& rejected) override;
  Result<SealedPart> Seal(Epoch epoch, bool last) override;
  size_t PendingBytes() const override { return spool_->size(); }

 private:
  std::optional<Rejection> EncodeRow(const Batch& batch, uint32_t row, int64_t now_ms);
  std::optional<Rejection> PartitionOf(const Batch& batch, uint32_t row);
  std::optional<Rejection> TimestampOf(const Batch& batch, uint32_t row, int64_t now_ms);
  bool IsTombstone(const Batch& batch, uint32_t row) const;
  void KeyOf(const Batch& batch, uint32_t row);
  void HeadersOf(const Batch& batch, uint32_t row);

  const Clock& clock_;
  const std::unique_ptr<Encoder> encoder_;
  const SinkColumns columns_;
  const std::string topic_;
  const TopicLimits limits_;
  CheckpointStore* const store_;
  std::shared_ptr<Spool> spool_;
  int64_t rows_ = 0;

  // Of the row at hand.
  OutboxRecord record_;
  std::string key_;
  std::string value_;
  std::string header_bytes_;
  std::vector<std::pair<size_t, size_t>> header_spans_;
  std::string encoded_;
};

}  // namespace weir::kafka
